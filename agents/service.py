"""Service: customers' problems and their answers."""

from agents._agent import DomainAgent
from tools.accounts import lookup_account
from tools.activities import activities_timeline, create_task, log_call
from tools.articles import archive_article, draft_article, publish_article, review_article
from tools.cases import add_case_comment, fetch_cases, open_case, similar_cases
from tools.casework import case_summary, close_case, escalate_case
from tools.classification import classify_case, suggest_classification
from tools.conduct import check_case_policy
from tools.drafts import create_draft
from tools.knowledge import search_knowledge
from tools.orders import cancel_order, order_status
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
from tools.replies import dismiss_reply, draft_reply, edit_reply, suggest_reply
from tools.routing import route_case, suggest_owner
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
        "triage",
        "classify",
        "classification",
        "reply",
        "suggested reply",
        "order",
        "orders",
        "order status",
        "status of order",
        "status of the order",
        "cancel order",
        "cancel the order",
        "my order",
        "my orders",
        "broken",
        "error",
        "not working",
        "troubleshoot",
        "reset",
        "customer asks",
        "customer wants to know",
        "what do i tell",
    ),
    home_object="Case",
    instructions=(
        "You help people in customer service, and verified customers, with cases, comments, knowledge articles, orders "
        "and the e-mails around them. "
        "Cite the number of every article that you rely on. A comment is internal unless the user wants it published."
    ),
    tools=(
        fetch_cases,
        case_summary,
        similar_cases,
        suggest_classification,
        classify_case,
        suggest_owner,
        route_case,
        escalate_case,
        close_case,
        check_case_policy,
        suggest_reply,
        draft_reply,
        edit_reply,
        dismiss_reply,
        open_case,
        search_knowledge,
        draft_article,
        review_article,
        publish_article,
        archive_article,
        order_status,
        cancel_order,
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
