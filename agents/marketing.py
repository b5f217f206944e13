"""Marketing: campaigns and the people they reach."""

from agents._agent import DomainAgent
from tools.activities import activities_timeline, create_task
from tools.drafts import create_draft
from tools.knowledge import search_knowledge
from tools.outside_text import extract_values, read_text
from tools.records import (
    aggregate_records,
    confirm_fields,
    create_record,
    find_record,
    get_record,
    query_records,
    update_record,
)
from tools.sending import send_email
from tools.workflows import start_workflow, workflow_status

marketing = DomainAgent(
    name="marketing",
    label="Marketing",
    handles=(
        "campaign",
        "campaigns",
        "campaign member",
        "campaign members",
        "segment",
        "segments",
        "audience",
        "newsletter",
        "landing page",
        "budget",
        "opted out",
        "opt out",
        "unsubscribe",
        "response rate",
        "responded",
        "lead source",
        "web leads",
    ),
    home_object="Campaign",
    instructions=(
        "You help people in marketing with campaigns, their members and leads. "
        "People who opted out of e-mail are never to be written to."
    ),
    tools=(
        find_record,
        get_record,
        query_records,
        aggregate_records,
        activities_timeline,
        search_knowledge,
        create_record,
        update_record,
        confirm_fields,
        read_text,
        extract_values,
        create_task,
        create_draft,
        send_email,
        start_workflow,
        workflow_status,
    ),
)
