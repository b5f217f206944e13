"""The words of the trade: what people call objects, fields and states. General English, no tenant's data."""

from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache

from rapidfuzz.distance import OSA

from agents._offline.prompt import FieldInfo, ObjectInfo
from agents._offline.words import singular, split_name

OBJECT_WORDS: Mapping[str, str] = {
    "account": "Account", "company": "Account", "customer": "Account", "client": "Account", "organisation": "Account",
    "organization": "Account", "firm": "Account", "business": "Account",
    "contact": "Contact", "person": "Contact", "people": "Contact", "stakeholder": "Contact",
    "lead": "Lead", "prospect": "Lead",
    "opportunity": "Opportunity", "opp": "Opportunity", "oppty": "Opportunity", "deal": "Opportunity",
    "case": "Case", "ticket": "Case", "complaint": "Case", "support request": "Case", "issue": "Case",
    "known issue": "Issue__c", "incident": "Case", "comment": "CaseComment",
    "quote": "Quote", "proposal": "Quote", "offer": "Quote", "quotation": "Quote",
    "order": "Order", "purchase order": "Order", "contract": "Contract",
    "agreement": "Contract", "campaign": "Campaign", "task": "Task", "to-do": "Task", "todo": "Task",
    "reminder": "Task", "event": "Event", "meeting": "Event", "appointment": "Event", "user": "User",
    "colleague": "User", "rep": "User", "product": "Product2", "article": "Knowledge__kav",
    "knowledge article": "Knowledge__kav", "campaign member": "CampaignMember", "email": "EmailMessage",
    "order item": "OrderItem", "line item": "OpportunityLineItem", "opportunity product": "OpportunityLineItem",
    "quote line": "QuoteLineItem", "case comment": "CaseComment", "pricebook": "Pricebook2",
    "price book": "Pricebook2", "price list": "Pricebook2", "pricelist": "Pricebook2",
    "territory": "Territory2", "transcript": "LiveChatTranscript",
    "calendar": "Event", "agenda": "Event", "teammate": "User", "follow-up task": "Task",
    "work item": "Task", "trouble ticket": "Case", "support ticket": "Case", "support case": "Case",
    "sales opportunity": "Opportunity", "buyer": "Contact", "potential customer": "Lead",
}  # fmt: skip

HINT_WORDS: Mapping[str, str] = {
    "renewal": "Opportunity", "upsell": "Opportunity", "expansion": "Opportunity", "rollout": "Opportunity",
    "inc": "Account", "ltd": "Account", "gmbh": "Account", "corp": "Account", "llc": "Account",
}  # fmt: skip
"""Words that stay part of a name and tell what it probably names."""

PREFIXES: Mapping[str, str] = {
    "001": "Account", "003": "Contact", "00Q": "Lead", "006": "Opportunity", "500": "Case", "0Q0": "Quote",
    "801": "Order", "800": "Contract", "701": "Campaign", "00T": "Task", "00U": "Event", "005": "User",
    "01t": "Product2", "ka0": "Knowledge__kav", "00k": "OpportunityLineItem", "01s": "Pricebook2",
    "01u": "PricebookEntry", "0QL": "QuoteLineItem", "802": "OrderItem", "00a": "CaseComment", "02s": "EmailMessage",
    "00v": "CampaignMember", "570": "LiveChatTranscript", "a03": "Issue__c",
}  # fmt: skip

FIELD_WORDS: Mapping[str, tuple[str, ...]] = {
    "stage": ("StageName", "Status"), "phase": ("StageName",), "owner": ("OwnerId",), "rep": ("OwnerId",),
    "sales rep": ("OwnerId",), "account owner": ("OwnerId",), "agent": ("OwnerId",), "assignee": ("OwnerId",),
    "account": ("AccountId",), "company": ("Company", "AccountId"), "customer": ("AccountId",),
    "client": ("AccountId",), "contact": ("ContactId", "WhoId"), "contact person": ("ContactId",),
    "phone": ("Phone",), "phone number": ("Phone",), "telephone": ("Phone",), "number": ("Phone",),
    "mobile": ("MobilePhone", "Phone"), "email": ("Email",), "e-mail": ("Email",), "email address": ("Email",),
    "mail": ("Email",), "mail address": ("Email",), "website": ("Website",), "url": ("Website",),
    "homepage": ("Website",), "site": ("Website",), "employees": ("NumberOfEmployees",),
    "employee": ("NumberOfEmployees",), "headcount": ("NumberOfEmployees",), "staff": ("NumberOfEmployees",),
    "employee count": ("NumberOfEmployees",), "number of employees": ("NumberOfEmployees",),
    "revenue": ("AnnualRevenue",), "turnover": ("AnnualRevenue",), "city": ("BillingCity", "City"),
    "town": ("BillingCity",), "country": ("BillingCountry", "Country"),
    "state": ("BillingState", "State", "ShippingState"), "region": ("BillingState",),
    "industry": ("Industry",), "sector": ("Industry",),
    "value": ("Amount", "GrandTotal", "TotalAmount", "TotalPrice"), "worth": ("Amount",), "size": ("Amount",),
    "deal size": ("Amount",), "deal value": ("Amount",), "price": ("UnitPrice", "Amount"),
    "amount": ("Amount", "GrandTotal", "TotalAmount"), "total": ("GrandTotal", "TotalAmount", "Amount"),
    "budget": ("BudgetedCost", "Amount"), "cost": ("ActualCost", "BudgetedCost"),
    "close date": ("CloseDate", "ClosedDate"), "closing date": ("CloseDate", "ClosedDate"),
    "expected close": ("CloseDate",), "closed date": ("ClosedDate", "CloseDate"),
    "due": ("ActivityDate",), "due date": ("ActivityDate", "CloseDate", "ExpirationDate"),
    "deadline": ("ActivityDate", "CloseDate"), "expiry": ("ExpirationDate", "EndDate"),
    "expiry date": ("ExpirationDate", "EndDate"), "expiration": ("ExpirationDate", "EndDate"),
    "start": ("StartDate", "EffectiveDate"), "start date": ("StartDate", "EffectiveDate"),
    "end date": ("EndDate", "ExpirationDate"), "term": ("ContractTerm",),
    "created": ("CreatedDate",), "creation date": ("CreatedDate",), "created date": ("CreatedDate",),
    "last modified": ("LastModifiedDate",), "probability": ("Probability",), "likelihood": ("Probability",),
    "next step": ("NextStep",), "next steps": ("NextStep",), "priority": ("Priority",), "prio": ("Priority",),
    "severity": ("Priority",), "urgency": ("Priority",), "status": ("Status", "StageName"),
    "state of": ("Status",), "source": ("LeadSource", "Origin"), "lead source": ("LeadSource",),
    "channel": ("Origin", "LeadSource"), "origin": ("Origin", "LeadSource"),
    "rating": ("Rating",), "type": ("Type",), "kind": ("Type",),
    "reason": ("Reason",), "subject": ("Subject",), "title": ("Title", "Subject"), "job title": ("Title",),
    "role": ("Title",), "position": ("Title",), "name": ("Name",), "description": ("Description",),
    "first name": ("FirstName",), "last name": ("LastName",), "surname": ("LastName",), "discount": ("Discount",),
    "quantity": ("Quantity",), "manager": ("ManagerId",), "location": ("Location", "BillingCity"),
    "forecast": ("ForecastCategory",), "forecast category": ("ForecastCategory",), "parent": ("ParentId",),
    "location of": ("BillingCity",), "address": ("BillingCity",),
}  # fmt: skip

REFERENCE_TARGETS: Mapping[str, tuple[str, ...]] = {
    "AccountId": ("Account",), "ContactId": ("Contact",), "OwnerId": ("User",), "OpportunityId": ("Opportunity",),
    "QuoteId": ("Quote",), "OrderId": ("Order",), "CampaignId": ("Campaign",), "LeadId": ("Lead",),
    "CaseId": ("Case",), "Pricebook2Id": ("Pricebook2",),
    "WhoId": ("Contact", "Lead"), "WhatId": ("Account", "Opportunity", "Case"),
    "RelatedToId": ("Account", "Opportunity", "Case"), "ManagerId": ("User",), "Product2Id": ("Product2",),
}  # fmt: skip

CHILDREN: Mapping[str, tuple[str, ...]] = {
    "Account": ("Contact", "Opportunity", "Case"), "Contact": ("Case", "Opportunity"),
    "Opportunity": ("Quote",), "Case": ("CaseComment",), "Campaign": ("CampaignMember",),
    "Order": ("OrderItem",), "Quote": ("QuoteLineItem",),
}  # fmt: skip
"""Which related lists say most about a record."""

SHOWN_FIELDS: Mapping[str, tuple[str, ...]] = {
    "Account": ("Industry", "Type", "BillingCity", "BillingCountry", "NumberOfEmployees", "AnnualRevenue", "Phone",
                "Website", "OwnerId"),
    "Contact": ("Title", "AccountId", "Email", "Phone"),
    "Lead": ("Company", "Title", "Status", "Rating", "LeadSource", "Email", "Phone"),
    "Opportunity": ("StageName", "Amount", "CloseDate", "Probability", "AccountId", "NextStep", "OwnerId"),
    "Case": ("Subject", "Status", "Priority", "AccountId", "ContactId", "CreatedDate", "OwnerId"),
    "Quote": ("Status", "GrandTotal", "Discount", "ExpirationDate", "OpportunityId"),
    "Order": ("Status", "TotalAmount", "EffectiveDate", "AccountId"),
    "Contract": ("Status", "StartDate", "EndDate", "ContractTerm", "AccountId"),
    "Campaign": ("Type", "Status", "StartDate", "EndDate", "BudgetedCost", "ActualCost"),
    "Task": ("Status", "Priority", "ActivityDate", "WhoId", "WhatId"),
    "Event": ("StartDateTime", "Location", "WhoId", "WhatId"),
    "User": ("Email", "Phone"), "Product2": ("ProductCode", "Family"),
    "OpportunityLineItem": ("Product2Id", "Quantity", "UnitPrice", "TotalPrice"),
    "QuoteLineItem": ("Product2Id", "Quantity", "UnitPrice", "Discount", "TotalPrice"),
    "OrderItem": ("Product2Id", "Quantity", "UnitPrice", "TotalPrice"),
    "PricebookEntry": ("Product2Id", "UnitPrice", "IsActive"),
    "CampaignMember": ("ContactId", "LeadId", "Status"),
    "Knowledge__kav": ("Title", "Summary"), "CaseComment": ("CommentBody", "IsPublished", "CreatedDate"),
}  # fmt: skip

ALSO_CALLED: Mapping[str, str] = {
    "send back": "return", "sent back": "return", "give back": "return", "bring back": "return", "take back": "return",
    "money back": "refund", "percent off": "discount", "% off": "discount",
    "on its own": "eligible", "alone": "eligible",
    "broken": "defect", "swap": "exchange", "how long": "period", "how soon": "time", "get rid of": "dispose",
}  # fmt: skip
"""What people say -> the word that rules and articles have for it."""

JOINING = ("OpportunityLineItem", "QuoteLineItem", "OrderItem", "PricebookEntry", "CampaignMember")
"""Kinds of record that join two others, and have no name of their own."""

DATE_VERBS: Mapping[str, tuple[str, ...]] = {
    verb: tuple(fields.split())
    for verbs, fields in {
        "closing closeing": "CloseDate EndDate ClosedDate", "closes": "CloseDate", "close": "CloseDate ClosedDate",
        "closed": "ClosedDate CloseDate", "due": "ActivityDate CloseDate ExpirationDate", "expected": "CloseDate",
        "expiring expires expire": "ExpirationDate EndDate", "ending ends end": "EndDate ExpirationDate",
        "starting starts": "StartDate EffectiveDate StartDateTime",
        "created opened logged reported raised added submitted filed new received registered made": "CreatedDate",
        "modified updated changed touched edited": "LastModifiedDate", "converted": "ConvertedDate",
        "won lost win lose": "CloseDate", "resolved": "ClosedDate", "signed": "CompanySignedDate",
        "scheduled": "StartDateTime ActivityDate", "placed": "EffectiveDate CreatedDate",
    }.items()
    for verb in verbs.split()
}  # fmt: skip
"""What happened to a record -> the dates that tell when, most telling first."""

US_STATES: Mapping[str, str] = {
    "alabama": "AL", "alaska": "AK", "arizona": "AZ", "arkansas": "AR", "california": "CA", "colorado": "CO",
    "connecticut": "CT", "delaware": "DE", "florida": "FL", "georgia": "GA", "hawaii": "HI", "idaho": "ID",
    "illinois": "IL", "indiana": "IN", "iowa": "IA", "kansas": "KS", "kentucky": "KY", "louisiana": "LA",
    "maine": "ME", "maryland": "MD", "massachusetts": "MA", "michigan": "MI", "minnesota": "MN",
    "mississippi": "MS", "missouri": "MO", "montana": "MT", "nebraska": "NE", "nevada": "NV", "new hampshire": "NH",
    "new jersey": "NJ", "new mexico": "NM", "new york": "NY", "north carolina": "NC", "north dakota": "ND",
    "ohio": "OH", "oklahoma": "OK", "oregon": "OR", "pennsylvania": "PA", "rhode island": "RI",
    "south carolina": "SC", "south dakota": "SD", "tennessee": "TN", "texas": "TX", "utah": "UT", "vermont": "VT",
    "virginia": "VA", "washington": "WA", "west virginia": "WV", "wisconsin": "WI", "wyoming": "WY",
}  # fmt: skip
COUNTRIES: Mapping[str, str] = {
    "usa": "US", "united states": "US", "america": "US", "germany": "DE", "france": "FR", "canada": "CA",
    "mexico": "MX", "italy": "IT", "spain": "ES", "netherlands": "NL", "belgium": "BE", "austria": "AT",
    "switzerland": "CH", "poland": "PL", "sweden": "SE", "norway": "NO", "denmark": "DK", "finland": "FI",
    "ireland": "IE", "united kingdom": "GB", "uk": "GB", "great britain": "GB", "england": "GB", "japan": "JP",
    "china": "CN", "india": "IN", "brazil": "BR", "australia": "AU", "portugal": "PT",
}  # fmt: skip
INDUSTRIES = frozenset(
    """manufacturing healthcare chemical chemicals construction utility utilities aerospace transportation logistics
    retail banking finance insurance education energy pharma pharmaceutical pharmaceuticals automotive agriculture
    technology software telecommunications hospitality media mining government consulting engineering""".split()
)
"""Sectors as people name them; the records' own words are found by containing them."""

CHANNELS = frozenset(
    "web website phone email e-mail mail chat referral partner event fax social portal advertisement webinar".split()
) | {"trade show", "trade shows", "word of mouth", "social media", "cold call"}
"""Ways by which leads and cases come in."""

MEASURES = ("Amount", "GrandTotal", "TotalAmount", "TotalPrice", "AnnualRevenue", "BudgetedCost", "UnitPrice")
EVERY_RECORD_HAS = ("Id", "OwnerId", "CreatedDate", "LastModifiedDate")
NAME_FIELDS = ("Subject", "Title", "Name", "LastName")
PERSON_OBJECTS = ("Contact", "Lead", "User")

STOPWORDS = frozenset(
    """a an the me my mine i we us our ours you your is are was were be been being do does did have has had of on in at
    to for from with by and or but that this these those it its their his her him he she they them which who whom whose
    what when where how there here any all every each some please now right just also too so then than as if about into
    out up down record records entry entries one ones thing things list lists details detail info information data
    currently current can could would should will shall may might must not no yes ok okay tell give show display get
    find see look view pull fetch bring search let know want need like more only kind sort sorted order ordered ranked
    still again us both same other another such per between during since until
    money yet came come coming got get gets worth valued slipping slipped currently there's moment far overall together
    altogether
    named called over regarding concerning related existing whole full everything anything something much many
    everyone everybody someone somebody anyone anybody thanks thank cheers hand dear quick rest of'em em ones'
    expect expected
    check open's overall complete exactly maybe actually really kindly quickly crm system database hey hi hello
    'm 've 's ' , . ; : ? ! ( ) - / & # + * = > < [ ] { } " ` ~ | \\ ^ % @ _ …""".split()
)

ORDINALS: Mapping[str, int] = {
    "first": 1, "second": 2, "third": 3, "fourth": 4, "fifth": 5, "sixth": 6, "seventh": 7, "eighth": 8, "ninth": 9,
    "tenth": 10, "1st": 1, "2nd": 2, "3rd": 3, "4th": 4, "5th": 5, "6th": 6, "7th": 7, "8th": 8, "9th": 9, "last": -1,
    "former": 1, "latter": -1,
}  # fmt: skip


def closest(word: str, choices: Iterable[str]) -> str | None:
    """The choice that `word` misspells: one slip in a short word, two in a long one; ties are nobody's."""
    limit = 0 if len(word) < 5 else 1 if len(word) < 8 else 2
    best: list[str] = []
    for choice in choices:
        if choice == word:
            return choice
        if len(word) == 4 and word[0] == choice[0] and sorted(word) == sorted(choice):
            best.append(choice)
        if limit and len(choice) >= 5 and word[0] == choice[0]:
            distance = OSA.distance(word, choice, score_cutoff=limit)
            if distance <= limit:
                if distance < limit:
                    best, limit = [], distance
                best.append(choice)
    return best[0] if len(set(best)) == 1 else None


def object_named(words: Sequence[str], known: Iterable[str], *, fuzzy: bool) -> str | None:
    """The object that these lower-case words name, singular or plural, as a synonym or by its own name."""
    phrase = " ".join([*words[:-1], singular(words[-1])])
    own = {" ".join(split_name(name)).removesuffix(" 2"): name for name in known}
    if phrase in own or phrase in OBJECT_WORDS:
        return OBJECT_WORDS.get(phrase) or own[phrase]
    if fuzzy and len(words) == 1:
        names = {**OBJECT_WORDS, **own}
        found = closest(phrase, [name for name in names if " " not in name])
        return names[found] if found else None
    return None


def field_named(words: Sequence[str], info: ObjectInfo) -> FieldInfo | None:
    """The field of the object that these lower-case words name."""
    return _field_named(tuple("email" if word == "e-mail" else word for word in words), info)


def usual_fields(words: Sequence[str], names: Iterable[str]) -> frozenset[str]:
    """The fields these words name that such objects have in every CRM, whether or not the caller may read them."""
    meant = FIELD_WORDS.get(" ".join("email" if word == "e-mail" else word for word in words), ())
    return frozenset(field for name in names for field in SHOWN_FIELDS.get(name, ()) if field in meant)


@lru_cache(maxsize=20_000)
def _field_named(words: tuple[str, ...], info: ObjectInfo) -> FieldInfo | None:
    phrase = " ".join(words)
    fields = info.fields or {name: FieldInfo(name) for name in EVERY_RECORD_HAS}
    for name, candidate in fields.items():
        if phrase == name.lower() or phrase == " ".join(split_name(name)):
            return candidate
    for name in FIELD_WORDS.get(phrase, ()):
        if name in fields or name in EVERY_RECORD_HAS:
            return fields.get(name) or FieldInfo(name)
    if words[0] in STOPWORDS:
        return None
    if words[-1] in STOPWORDS or phrase in FIELD_WORDS:
        return None
    names = {" ".join(split_name(name)): name for name in fields}
    synonyms = {said: name for said, names_ in FIELD_WORDS.items() for name in names_ if name in fields}
    found = closest(phrase, [*names, *synonyms])
    return fields[(names | synonyms)[found]] if found else None
