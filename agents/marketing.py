"""Marketing: campaigns and the people they reach."""

from agents._agent import DomainAgent
from tools.activities import activities_timeline, create_task
from tools.briefs import draft_campaign_brief, save_campaign_brief
from tools.campaigns import campaign_summary, draft_campaign, save_campaign
from tools.drafts import create_draft
from tools.email_copy import draft_email_variants, save_email_variant
from tools.knowledge import search_knowledge
from tools.landing_pages import draft_landing_page, save_landing_page
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
from tools.segments import add_campaign_members, preview_segment, save_segment
from tools.sending import send_campaign_email, send_email
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
        "segment of",
        "segment with",
        "newsletter",
        "landing page",
        "campaign brief",
        "brief",
        "target group",
        "subject line",
        "subject lines",
        "variants",
        "mailing",
        "sign-up form",
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
        "People who opted out of e-mail are never to be written to. "
        "A brief, segment, campaign, e-mail or page is drafted first: show the draft and stop, so that the person can "
        "change it, and save it only when they say so."
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
        draft_campaign_brief,
        save_campaign_brief,
        draft_campaign,
        save_campaign,
        campaign_summary,
        preview_segment,
        save_segment,
        add_campaign_members,
        draft_email_variants,
        save_email_variant,
        draft_landing_page,
        save_landing_page,
        create_draft,
        send_email,
        send_campaign_email,
        start_workflow,
        workflow_status,
    ),
)
