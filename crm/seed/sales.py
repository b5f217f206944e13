"""Leads, opportunities, quotes, contracts and orders, with totals that add up."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from crm.seed.catalogue import CONTRACT_SHARE
from crm.seed.companies import (
    FAMILY_NAMES,
    FIRST_NAMES,
    TITLES,
    account_of,
    company_names,
    phone,
    slug,
)
from crm.seed.conversations import HOSTILE_LEADS, call_body
from crm.seed.draft import Row, TenantDraft, cents, line_total
from crm.seed.people import DANA, ELI, IRIS, staff_id

STAGES = ("Qualification", "Discovery", "Quote", "Negotiation", "Closed")
_STAGE_FACTS = {
    "Qualification": (10, "Pipeline"),
    "Discovery": (25, "Pipeline"),
    "Quote": (50, "Best Case"),
    "Negotiation": (75, "Commit"),
}
_NEXT_STEPS = {
    "Qualification": ("Call back with two questions about the plant", "Find out who signs"),
    "Discovery": ("Site visit with the process engineer", "Send references of similar plants"),
    "Quote": ("Walk through the quote with purchasing", "Answer the questions about delivery times"),
    "Negotiation": ("Get the discount approved", "Legal reviews the terms"),
    "Closed": (None,),
}
_SOURCES = ("Web", "Trade Show", "Referral", "Partner", "Phone", "Campaign")


@dataclass(frozen=True)
class Deal:
    """The terms of an opportunity before it becomes rows."""

    name: str
    stage: str
    created: datetime
    is_won: bool = False
    products: tuple[str, ...] = ()
    """Product codes; empty lets chance choose."""


def build_sales(draft: TenantDraft) -> None:
    """Opportunities with everything that hangs on them, then the leads."""
    _add_look_alikes(draft)
    accounts = draft.rows["Account"][8:]
    for _ in range(draft.count(130, least=10)):
        account = draft.pick(accounts)
        add_deal(draft, account, _invent_deal(draft, account))
    _add_leads(draft)


def add_deal(draft: TenantDraft, account: Row, deal: Deal, *, contact: Row | None = None) -> Row:
    """An opportunity with its lines, and by its stage a quote, a contract, an order and a recorded call."""
    person = contact or contact_of(draft, account)
    opportunity = _add_opportunity(draft, account, person, deal)
    lines = _add_lines(draft, opportunity, deal.products)
    opportunity["Amount"] = sum((line["TotalPrice"] for line in lines), Decimal(0))
    if STAGES.index(deal.stage) >= STAGES.index("Quote"):
        _add_quote(draft, opportunity, lines)
    if deal.is_won:
        contract = _add_contract(draft, opportunity)
        opportunity["ContractID__c"] = contract["Id"]
        _add_order(draft, opportunity, lines, contract["CompanySignedDate"])
    if draft.chance(0.25):
        _add_call(draft, opportunity, person, account)
    return opportunity


def name_deal(account: Row, purpose: str) -> str:
    """What an opportunity is usually called."""
    return f"{account['Name']} - {purpose}"


def contact_of(draft: TenantDraft, account: Row) -> Row:
    """Somebody who works there."""
    return draft.pick([row for row in draft.rows["Contact"] if row["AccountId"] == account["Id"]])


def _add_look_alikes(draft: TenantDraft) -> None:
    """An opportunity named like an account, and one account's name in another account's opportunity."""
    for account, name, stage in (
        ("Harbour Tools", "Harbor Tools", "Discovery"),
        ("Globex Fabrication", "Acme Industrial", "Qualification"),
        ("Acme Industrial", "Acme Industrial - Fabrication Line Renewal", "Negotiation"),
        ("Initech Laboratories", "Initech Laboratories", "Quote"),
    ):
        add_deal(draft, account_of(draft, account), Deal(name, stage, draft.moment(120, 20)))


def _invent_deal(draft: TenantDraft, account: Row) -> Deal:
    stage = draft.rng.choices(STAGES, weights=(4, 4, 4, 3, 12))[0]
    created = draft.moment(700, 60) if stage == "Closed" else draft.moment(150, 3)
    name = name_deal(account, draft.pick(draft.profile.deal_purposes))
    return Deal(name, stage, created, is_won=stage == "Closed" and draft.chance(0.62))


def _add_opportunity(draft: TenantDraft, account: Row, person: Row, deal: Deal) -> Row:
    is_closed = deal.stage == "Closed"
    if is_closed:
        probability, forecast = (100, "Closed") if deal.is_won else (0, "Omitted")
        closes = draft.after(deal.created, 24 * 14, 24 * 120).date()
    else:
        probability, forecast = _STAGE_FACTS[deal.stage]
        closes = draft.today + timedelta(days=draft.rng.randrange(-5, 120))
    return draft.add(
        "Opportunity",
        owner=account["OwnerId"],
        created=deal.created,
        modified=draft.after(deal.created, 24, 24 * 60),
        Name=deal.name,
        AccountId=account["Id"],
        ContactId=person["Id"],
        Probability=Decimal(probability),
        StageName=deal.stage,
        CloseDate=closes,
        NextStep=draft.pick(_NEXT_STEPS[deal.stage]),
        ForecastCategory=forecast,
        LeadSource=draft.pick(_SOURCES),
        IsClosed=is_closed,
        IsWon=deal.is_won,
        Description=f"{person['FirstName']} {person['LastName']} says: {draft.pick(draft.profile.needs)}.",
    )


def _add_lines(draft: TenantDraft, opportunity: Row, codes: tuple[str, ...]) -> list[Row]:
    rows = draft.rows["Product2"]
    if codes:
        chosen = [next(i for i, row in enumerate(rows) if row["ProductCode"] == code) for code in codes]
    else:
        chosen = sorted(draft.rng.sample(range(len(rows)), draft.rng.choices((1, 2, 3, 4), weights=(3, 4, 3, 1))[0]))
    lines = []
    for index in chosen:
        price = draft.rows["PricebookEntry"][index]["UnitPrice"]
        most = 6 if price > 2000 else 24 if price > 200 else 120
        quantity = Decimal(draft.rng.randrange(1, most))
        discount = Decimal(draft.pick((0, 0, 0, 5, 8, 10, 15)))
        lines.append(
            draft.add(
                "OpportunityLineItem",
                owner=opportunity["OwnerId"],
                created=draft.after(opportunity["CreatedDate"], 1, 48),
                OpportunityId=opportunity["Id"],
                Product2Id=rows[index]["Id"],
                PricebookEntryId=draft.rows["PricebookEntry"][index]["Id"],
                Quantity=quantity,
                UnitPrice=price,
                Discount=discount,
                TotalPrice=line_total(quantity, price, discount),
            )
        )
    return lines


def _quote_status(draft: TenantDraft, opportunity: Row) -> str:
    if opportunity["IsClosed"]:
        return "Accepted" if opportunity["IsWon"] else draft.pick(("Denied", "Rejected"))
    if opportunity["StageName"] == "Negotiation":
        return draft.pick(("Approved", "Presented"))
    return draft.pick(("Draft", "Needs Review", "In Review", "Presented"))


def _add_quote(draft: TenantDraft, opportunity: Row, lines: list[Row]) -> Row:
    discount = Decimal(draft.pick((0, 0, 0, 2, 3)))
    created = draft.after(opportunity["CreatedDate"], 24, 24 * 12)
    total = sum((line["TotalPrice"] for line in lines), Decimal(0))
    quote = draft.add(
        "Quote",
        owner=opportunity["OwnerId"],
        created=created,
        OpportunityId=opportunity["Id"],
        AccountId=opportunity["AccountId"],
        ContactId=opportunity["ContactId"],
        Name=f"Quote {len(draft.rows['Quote']) + 1:04d} {opportunity['Name']}"[:255],
        Description="Prices hold until the expiration date; delivery as agreed with the customer.",
        Status=_quote_status(draft, opportunity),
        ExpirationDate=created.date() + timedelta(days=45),
        Discount=discount,
        GrandTotal=cents(total * (100 - discount) / 100),
    )
    for line in lines:
        draft.add(
            "QuoteLineItem",
            owner=opportunity["OwnerId"],
            created=created,
            QuoteId=quote["Id"],
            OpportunityLineItemId=line["Id"],
            **{
                name: line[name]
                for name in ("Product2Id", "PricebookEntryId", "Quantity", "UnitPrice", "Discount", "TotalPrice")
            },
        )
    return quote


def _add_contract(draft: TenantDraft, opportunity: Row) -> Row:
    signed = draft.after(opportunity["CreatedDate"], 24 * 10, 24 * 100)
    months = draft.pick((12, 24, 36))
    starts = signed.date().replace(day=1)
    year, month = divmod(starts.year * 12 + starts.month - 1 + months, 12)
    ends = starts.replace(year=year, month=month + 1) - timedelta(days=1)
    return draft.add(
        "Contract",
        owner=opportunity["OwnerId"],
        created=draft.after(opportunity["CreatedDate"], 24 * 5, 24 * 9),
        modified=signed,
        AccountId=opportunity["AccountId"],
        Status="Activated" if ends >= draft.today else draft.pick(("Activated", "Contract Terminated")),
        StartDate=starts,
        EndDate=ends,
        ContractTerm=months,
        CompanySignedDate=signed.date(),
        CustomerSignedDate=(signed - timedelta(days=draft.rng.randrange(1, 6))).date(),
        Description=f"Framework for {opportunity['Name']}: contract prices, {months} months, three months of notice.",
    )


def _add_order(draft: TenantDraft, opportunity: Row, lines: list[Row], signed: object) -> Row:
    book = draft.rows["Pricebook2"][1]
    order = draft.add(
        "Order",
        owner=opportunity["OwnerId"],
        created=draft.after(opportunity["CreatedDate"], 24 * 101, 24 * 110),
        AccountId=opportunity["AccountId"],
        EffectiveDate=signed,
        Status="Activated" if draft.chance(0.85) else "Draft",
        OrderNumber=draft.next_number("OrderNumber"),
        Pricebook2Id=book["Id"],
    )
    total = Decimal(0)
    for line in lines:
        price = cents(line["UnitPrice"] * CONTRACT_SHARE)
        total += line["Quantity"] * price
        draft.add(
            "OrderItem",
            owner=opportunity["OwnerId"],
            created=order["CreatedDate"],
            OrderId=order["Id"],
            Product2Id=line["Product2Id"],
            PriceBookEntryId=_entry_of(draft, book, line["Product2Id"])["Id"],
            Quantity=line["Quantity"],
            UnitPrice=price,
        )
    order["TotalAmount"] = total
    return order


def _entry_of(draft: TenantDraft, book: Row, product_id: str) -> Row:
    return next(
        row
        for row in draft.rows["PricebookEntry"]
        if row["Pricebook2Id"] == book["Id"] and row["Product2Id"] == product_id
    )


def _add_call(draft: TenantDraft, opportunity: Row, person: Row, account: Row) -> None:
    ended = draft.after(opportunity["CreatedDate"], 24, 24 * 10)
    draft.add(
        "VoiceCallTranscript__c",
        owner=opportunity["OwnerId"],
        created=ended,
        OpportunityId__c=opportunity["Id"],
        Body__c=call_body(
            draft,
            rep=first_name_of(draft, opportunity["OwnerId"]),
            customer=person["FirstName"],
            company=account["Name"],
            topic=opportunity["Name"].removeprefix(f"{account['Name']} - "),
            sparse=draft.chance(0.4),
        ),
        EndTime__c=ended,
    )


def first_name_of(draft: TenantDraft, user_id: str) -> str:
    """What a member of staff is called in a conversation."""
    return str(next(row["FirstName"] for row in draft.rows["User"] if row["Id"] == user_id))


def _add_leads(draft: TenantDraft) -> None:
    for first, last, company, title in HOSTILE_LEADS:
        _add_lead(draft, (first, last), company, title=title, source="Web", status="New")
    for first, last, company in (
        ("Ann", "Poe", "Acme Industries"),
        ("Anne", "Poe", "Acme Industrial Supply"),
        ("Marcus", "Webb", "Tallgrass Packaging"),
        ("Lydia", "Crane", "Tallgrass Packing"),
    ):
        lead = _add_lead(
            draft, (first, last), company, title=draft.pick(TITLES), source="Trade Show", status="Contacted"
        )
        lead["OwnerId"] = staff_id(DANA.key)
    prospects = company_names()[::-1]
    for number in range(draft.count(90, least=8)):
        name = (draft.pick(FIRST_NAMES), draft.pick(FAMILY_NAMES))
        company = prospects[(draft.profile.first_company + number) % len(prospects)][0]
        status = draft.rng.choices(
            ("New", "Contacted", "Qualified", "Proposal", "Negotiation"), weights=(5, 4, 3, 2, 1)
        )
        _add_lead(draft, name, company, title=draft.pick(TITLES), source=draft.pick(_SOURCES), status=status[0])
    _add_converted_leads(draft)


def _add_lead(draft: TenantDraft, name: tuple[str, str], company: str, *, title: str, source: str, status: str) -> Row:
    first, last = name
    created = draft.moment(240, 1)
    host = slug(company) if company.isascii() and len(company) < 40 else "mail"
    local = ".".join(slug(part) or "info" for part in name)[:60].strip("-.")
    reps = draft.owners("sales_rep_west") + draft.owners("sales_rep_east")
    lead = draft.add(
        "Lead",
        owner=staff_id(IRIS.key) if status == "New" and draft.chance(0.4) else draft.pick(reps),
        created=created,
        modified=draft.after(created, 2, 24 * 20),
        FirstName=first,
        LastName=last,
        Company=company,
        Title=title,
        Email=f"{local}@{host or 'mail'}.example",
        Phone=phone(draft),
        LeadSource=source,
        Rating=draft.pick(("Hot", "Warm", "Cold")) if status != "New" else None,
        Status=status,
        HasOptedOutOfEmail=draft.chance(0.1),
        HasEmailConsent__c=status != "New",
    )
    if status not in ("New", "Contacted") and draft.chance(0.5):
        _add_lead_call(draft, lead)
    return lead


def _add_lead_call(draft: TenantDraft, lead: Row) -> None:
    ended = draft.after(lead["CreatedDate"], 20, 24 * 15)
    draft.add(
        "VoiceCallTranscript__c",
        owner=lead["OwnerId"],
        created=ended,
        LeadId__c=lead["Id"],
        Body__c=call_body(
            draft,
            rep=first_name_of(draft, lead["OwnerId"]),
            customer=lead["FirstName"],
            company=lead["Company"],
            topic=draft.pick(draft.profile.deal_purposes),
            sparse=draft.chance(0.5),
        ),
        EndTime__c=ended,
    )


def _add_converted_leads(draft: TenantDraft) -> None:
    """A share of the opportunities began as a lead some weeks earlier."""
    contacts = {row["Id"]: row for row in draft.rows["Contact"]}
    accounts = {row["Id"]: row for row in draft.rows["Account"]}
    for opportunity in draft.rows["Opportunity"][6::5]:
        person, account = contacts[opportunity["ContactId"]], accounts[opportunity["AccountId"]]
        created = opportunity["CreatedDate"] - timedelta(days=draft.rng.randrange(4, 45))
        draft.add(
            "Lead",
            owner=opportunity["OwnerId"],
            created=created,
            modified=opportunity["CreatedDate"],
            **{name: person[name] for name in ("FirstName", "LastName", "Title", "Email", "Phone")},
            Company=account["Name"],
            LeadSource=opportunity["LeadSource"],
            Rating="Hot",
            Status="Closed",
            IsConverted=True,
            ConvertedDate=opportunity["CreatedDate"].date(),
            ConvertedAccountId=account["Id"],
            ConvertedContactId=person["Id"],
            ConvertedOpportunityId=opportunity["Id"],
        )
    lost = _add_lead(draft, ("Victor", "Stahl"), "Former Foundry", title="Owner", source="Phone", status="Closed")
    lost.update(OwnerId=staff_id(ELI.key), Rating="Cold")
