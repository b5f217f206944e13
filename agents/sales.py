"""Sales: companies, people, leads and deals."""

from agents._agent import DomainAgent
from tools.account_briefs import account_brief
from tools.accounts import lookup_account
from tools.activities import activities_timeline, create_task, log_call
from tools.agenda import review_my_day
from tools.cases import fetch_cases
from tools.close_plans import create_close_plan
from tools.committee import buying_committee
from tools.deals import advance_stage, forecast_guidance
from tools.drafts import create_draft
from tools.invitations import send_meeting_request
from tools.knowledge import search_knowledge
from tools.leads import convert_lead, find_lead_duplicates, rank_lead_owners, route_lead
from tools.meetings import prepare_meeting
from tools.ordering import create_order
from tools.outside_text import extract_values, read_text
from tools.people import create_contact_from_message
from tools.prices import product_pricing
from tools.qualification import qualify_lead
from tools.quotes import create_quote
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
from tools.similar_deals import similar_opportunities
from tools.transcripts import explore_transcript
from tools.workflows import start_workflow, workflow_status

sales = DomainAgent(
    name="sales",
    label="Sales",
    handles=(
        "account",
        "accounts",
        "company",
        "companies",
        "customer",
        "customers",
        "prospect",
        "contact",
        "contacts",
        "lead",
        "leads",
        "opportunity",
        "opportunities",
        "deal",
        "deals",
        "pipeline",
        "stage",
        "close date",
        "closing",
        "amount",
        "forecast",
        "quote",
        "quotes",
        "order",
        "orders",
        "contract",
        "contracts",
        "renewal",
        "call",
        "calls",
        "meeting",
        "meetings",
        "task",
        "tasks",
        "follow up",
        "follow-up",
        "email",
        "e-mail",
        "next step",
        "probability",
        "win",
        "won",
        "lost",
        "product",
        "products",
        "price",
        "prices",
        "territory",
        "remind",
        "reminder",
        "my day",
        "on my plate",
        "have to do",
        "to do today",
        "will i land",
        "my agenda",
        "my schedule",
        "my calendar",
        "should i do",
        "research brief",
        "account brief",
        "briefing",
        "brief me",
        "buying committee",
        "stakeholders",
        "close plan",
        "transcript",
        "transcripts",
        "qualify",
        "bant",
        "convert",
        "pricing",
        "cost",
        "costs",
        "how much is",
        "how much does",
        "quotation",
        "offer",
        "invite",
        "invitation",
    ),
    home_object="Opportunity",
    instructions=(
        "You help people in sales with accounts, contacts, leads, opportunities, quotes and orders, and with the "
        "calls, tasks and e-mails around them. Look records up before you speak of them."
    ),
    tools=(
        lookup_account,
        find_record,
        get_record,
        query_records,
        aggregate_records,
        activities_timeline,
        fetch_cases,
        search_knowledge,
        create_record,
        update_record,
        confirm_fields,
        read_text,
        extract_values,
        create_task,
        log_call,
        create_draft,
        send_email,
        review_my_day,
        prepare_meeting,
        account_brief,
        product_pricing,
        create_quote,
        qualify_lead,
        rank_lead_owners,
        route_lead,
        find_lead_duplicates,
        convert_lead,
        advance_stage,
        forecast_guidance,
        similar_opportunities,
        buying_committee,
        create_close_plan,
        explore_transcript,
        send_meeting_request,
        create_contact_from_message,
        create_order,
        start_workflow,
        workflow_status,
    ),
)
