"""Service: customers' problems and their answers."""

from agents._agent import DomainAgent
from tools.accounts import lookup_account
from tools.activities import activities_timeline, create_task, log_call
from tools.cases import add_case_comment, fetch_cases, similar_cases
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

service = DomainAgent(
    name="service",
    label="Service",
    handles=(
        "case",
        "cases",
        "ticket",
        "tickets",
        "complaint",
        "complaints",
        "issue",
        "issues",
        "problem",
        "problems",
        "priority",
        "escalated",
        "escalation",
        "comment",
        "comments",
        "resolution",
        "resolve",
        "resolved",
        "knowledge",
        "article",
        "articles",
        "how do i",
        "how to",
        "how can i",
        "policy",
        "warranty",
        "refund",
        "return",
        "support",
        "chat",
        "transcript",
        "similar cases",
        "broken",
        "error",
        "not working",
        "troubleshoot",
        "reset",
    ),
    home_object="Case",
    instructions=(
        "You help people in customer service with cases, comments, knowledge articles and the e-mails around them. "
        "Cite the number of every article that you rely on. A comment is internal unless the user wants it published."
    ),
    tools=(
        fetch_cases,
        similar_cases,
        search_knowledge,
        lookup_account,
        find_record,
        get_record,
        query_records,
        aggregate_records,
        activities_timeline,
        add_case_comment,
        create_record,
        update_record,
        confirm_fields,
        read_text,
        extract_values,
        create_task,
        log_call,
        create_draft,
        send_email,
        start_workflow,
        workflow_status,
    ),
)
