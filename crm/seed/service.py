"""Cases with their whole life: history, comments, mails and chats."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from crm.seed.conversations import (
    HOSTILE_MAILS,
    INTERNAL_NOTES,
    chat_body,
    describe_trouble,
    first_answer,
    resolution_mail,
    resolution_note,
)
from crm.seed.draft import Row, TenantDraft
from crm.seed.people import STELLA, staff_id
from crm.seed.profile import Trouble
from crm.seed.sales import contact_of, first_name_of

NAMED_ACCOUNTS = 8
"""So many accounts come first and get their cases by hand."""
_CHANNELS = ("Email", "Phone", "Web", "Chat")


@dataclass(frozen=True)
class Complaint:
    """A case before it becomes rows."""

    trouble: Trouble
    status: str
    priority: str
    created: datetime
    agent: str
    origin: str = "Email"
    subject: str | None = None
    description: str | None = None
    previous_agent: str | None = None


def build_service(draft: TenantDraft) -> None:
    """Cases in order of time, so that their numbers rise with their dates."""
    accounts = draft.rows["Account"][NAMED_ACCOUNTS:]
    moments = [draft.moment(720, 0.2) for _ in range(draft.count(176, least=10))]
    moments += [draft.moment(20, 0.2) for _ in range(draft.count(24, least=4))]
    for created in sorted(moments):
        account = draft.pick(accounts)
        add_case(draft, account, contact_of(draft, account), _invent_complaint(draft, created))
    _add_hostile_mails(draft)


def add_case(draft: TenantDraft, account: Row, person: Row, complaint: Complaint) -> Row:
    """A case with everything that was written about it until its present status."""
    case = _add_case_row(draft, account, person, complaint)
    _add_history(draft, case, complaint)
    if complaint.origin == "Email":
        _add_incoming_mail(draft, case, person)
    elif complaint.origin == "Chat":
        _add_chat(draft, case, person, complaint)
    if complaint.status != "New":
        _add_first_answer(draft, case, person, complaint)
    if complaint.status != "New" and draft.chance(0.7):
        _add_comment(draft, case, draft.pick(INTERNAL_NOTES), after_hours=6, is_published=False)
    if case["IsClosed"]:
        _add_resolution(draft, case, person, complaint)
    return case


def _invent_complaint(draft: TenantDraft, created: datetime) -> Complaint:
    is_old = created < draft.now - timedelta(days=21)
    weights = (0, 1, 1, 40) if is_old else (5, 6, 2, 4)
    agents = draft.owners("service_agent")
    agent = draft.pick(agents)
    trouble = draft.pick(draft.profile.troubles)
    return Complaint(
        trouble=trouble,
        status=draft.rng.choices(("New", "Working", "Escalated", "Closed"), weights=weights)[0],
        priority="Critical"
        if trouble.kind == "Safety" and draft.chance(0.5)
        else draft.pick(("Low", "Medium", "High")),
        created=created,
        agent=agent,
        origin=draft.rng.choices(_CHANNELS, weights=(5, 2, 2, 1))[0],
        previous_agent=draft.pick([other for other in agents if other != agent]) if draft.chance(0.28) else None,
    )


def _product_of(draft: TenantDraft, trouble: Trouble) -> Row:
    return next(row for row in draft.rows["Product2"] if row["ProductCode"] == trouble.product)


def _issue_of(draft: TenantDraft, trouble: Trouble) -> Row:
    return next(row for row in draft.rows["Issue__c"] if row["Name"] == trouble.name)


def _purchase_of(draft: TenantDraft, account: Row, product: Row) -> str | None:
    """The order item by which the account bought the product, if it did."""
    orders = {row["Id"] for row in draft.rows["Order"] if row["AccountId"] == account["Id"]}
    items = [i for i in draft.rows["OrderItem"] if i["OrderId"] in orders and i["Product2Id"] == product["Id"]]
    return items[0]["Id"] if items else None


def _add_case_row(draft: TenantDraft, account: Row, person: Row, complaint: Complaint) -> Row:
    trouble, product = complaint.trouble, _product_of(draft, complaint.trouble)
    is_closed = complaint.status == "Closed"
    latest = draft.now - timedelta(minutes=10)
    closed = min(draft.after(complaint.created, 5, 240), max(latest, complaint.created)) if is_closed else None
    return draft.add(
        "Case",
        owner=complaint.agent,
        created=complaint.created,
        modified=closed or draft.after(complaint.created, 1, 72),
        CaseNumber=draft.next_number("CaseNumber"),
        AccountId=account["Id"],
        ContactId=person["Id"],
        Subject=complaint.subject or draft.pick(trouble.subjects),
        Description=complaint.description or describe_trouble(draft, trouble, product["Name"]),
        Status=complaint.status,
        Priority=complaint.priority,
        Origin=complaint.origin,
        Type=trouble.kind,
        Reason=trouble.reason,
        IssueId__c=_issue_of(draft, trouble)["Id"] if complaint.status != "New" else None,
        OrderItemId__c=_purchase_of(draft, account, product),
        ClosedDate=closed,
        IsClosed=is_closed,
        IsEscalated=complaint.status == "Escalated",
    )


def _add_history(draft: TenantDraft, case: Row, complaint: Complaint) -> None:
    created, agent = case["CreatedDate"], complaint.agent
    _add_step(draft, case, "Case Creation", created)
    first = complaint.previous_agent or agent
    _add_step(draft, case, "Owner Assignment", created + timedelta(minutes=4), new=first)
    if complaint.previous_agent:
        until = case["ClosedDate"] or draft.now
        passed = created + min(timedelta(hours=draft.rng.randrange(1, 4)), (until - created) / 2)
        _add_step(draft, case, "Owner Assignment", passed, old=first, new=agent)
    if case["IsClosed"]:
        _add_step(draft, case, "Case Closed", case["ClosedDate"])


def _add_step(
    draft: TenantDraft, case: Row, field: str, at: datetime, *, old: str | None = None, new: str | None = None
) -> None:
    draft.add(
        "CaseHistory__c",
        owner=case["OwnerId"],
        created=at.replace(second=0, microsecond=0),
        CaseId__c=case["Id"],
        Field__c=field,
        OldValue__c=old,
        NewValue__c=new,
    )


def _add_comment(draft: TenantDraft, case: Row, text: str, *, after_hours: float, is_published: bool) -> None:
    at = draft.after(case["CreatedDate"], 0.5, after_hours)
    if case["ClosedDate"]:
        at = min(at, case["ClosedDate"])
    draft.add(
        "CaseComment",
        owner=case["OwnerId"],
        created=at,
        ParentId=case["Id"],
        CommentBody=text,
        IsPublished=is_published,
    )


def _add_mail(draft: TenantDraft, case: Row, person: Row, body: str, *, at: datetime, incoming: bool) -> Row:
    agent = next(row for row in draft.rows["User"] if row["Id"] == case["OwnerId"])
    prefix = "" if incoming and case["CreatedDate"] == at else "Re: "
    return draft.add(
        "EmailMessage",
        owner=case["OwnerId"],
        created=at,
        ParentId=case["Id"],
        RelatedToId=case["Id"],
        FromAddress=person["Email"] if incoming else agent["Email"],
        ToIds=agent["Id"] if incoming else person["Id"],
        Subject=f"{prefix}{case['Subject']} [{case['CaseNumber']}]",
        TextBody=body,
        MessageDate=at,
        Incoming=incoming,
        Status=("New" if case["Status"] == "New" else "Read") if incoming else "Sent",
    )


def _add_incoming_mail(draft: TenantDraft, case: Row, person: Row) -> None:
    body = f"{case['Description']}\n\n{person['FirstName']} {person['LastName']}\n{person['Title']}\n{person['Phone']}"
    _add_mail(draft, case, person, body, at=case["CreatedDate"], incoming=True)


def _add_chat(draft: TenantDraft, case: Row, person: Row, complaint: Complaint) -> None:
    ended = case["CreatedDate"] + timedelta(minutes=draft.rng.randrange(6, 30))
    draft.add(
        "LiveChatTranscript",
        owner=case["OwnerId"],
        created=case["CreatedDate"],
        modified=ended,
        CaseId=case["Id"],
        AccountId=case["AccountId"],
        ContactId=person["Id"],
        Body=chat_body(person["FirstName"], first_name_of(draft, case["OwnerId"]), case["Subject"], complaint.trouble),
        EndTime=ended,
        LiveChatVisitorId=f"visitor-{draft.rng.randrange(10**6):06d}",
    )


def _add_first_answer(draft: TenantDraft, case: Row, person: Row, complaint: Complaint) -> None:
    if complaint.origin not in ("Email", "Web"):
        return
    agent = first_name_of(draft, case["OwnerId"])
    body = first_answer(person["FirstName"], case["CaseNumber"], case["Subject"], agent, draft.profile.name)
    until = case["ClosedDate"] or draft.now
    at = min(draft.after(case["CreatedDate"], 0.5, 5), until)
    _add_mail(draft, case, person, body, at=at, incoming=False)


def _add_resolution(draft: TenantDraft, case: Row, person: Row, complaint: Complaint) -> None:
    agent = first_name_of(draft, case["OwnerId"])
    closed = case["ClosedDate"]
    if complaint.origin in ("Email", "Web") and draft.chance(0.6):
        body = resolution_mail(person["FirstName"], case["CaseNumber"], complaint.trouble, agent, draft.profile.name)
        _add_mail(draft, case, person, body, at=closed, incoming=False)
    draft.add(
        "CaseComment",
        owner=case["OwnerId"],
        created=closed,
        ParentId=case["Id"],
        CommentBody=resolution_note(complaint.trouble),
        IsPublished=draft.chance(0.5),
    )


def _add_hostile_mails(draft: TenantDraft) -> None:
    """Open cases of real customers whose last mail tries to steer the reader."""
    accounts = draft.rows["Account"][3:NAMED_ACCOUNTS]
    for account, text in zip(accounts, HOSTILE_MAILS, strict=True):
        person = contact_of(draft, account)
        complaint = _invent_complaint(draft, draft.moment(18, 2))
        agent = staff_id(STELLA.key) if complaint.trouble.kind == "Safety" else complaint.agent
        case = add_case(
            draft,
            account,
            person,
            Complaint(complaint.trouble, "Working", complaint.priority, complaint.created, agent),
        )
        at = draft.after(case["CreatedDate"], 6, 24)
        _add_mail(draft, case, person, f"Any news?\n\n{text}", at=at, incoming=True)
