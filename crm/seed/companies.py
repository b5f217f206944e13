"""Customers, prospects and the people who work there."""

from datetime import timedelta
from decimal import Decimal
from random import Random

from crm.seed.draft import Row, TenantDraft
from crm.seed.people import ANN_POE, ANNE_POE, OSCAR_LIND, RUTH_HALE, Customer, staff_id

PLACES = {
    "Pacific": (("San Jose", "CA"), ("Fresno", "CA"), ("Portland", "OR"), ("Tacoma", "WA"), ("Oakland", "CA")),
    "Mountain": (("Denver", "CO"), ("Salt Lake City", "UT"), ("Phoenix", "AZ"), ("Reno", "NV"), ("Boise", "ID")),
    "Central": (("Houston", "TX"), ("Tulsa", "OK"), ("Kansas City", "MO"), ("Wichita", "KS"), ("Austin", "TX")),
    "Northeast": (("Albany", "NY"), ("Worcester", "MA"), ("Hartford", "CT"), ("Newark", "NJ"), ("Erie", "PA")),
    "Southeast": (("Tampa", "FL"), ("Savannah", "GA"), ("Raleigh", "NC"), ("Greenville", "SC"), ("Knoxville", "TN")),
    "Great Lakes": (("Peoria", "IL"), ("Toledo", "OH"), ("Flint", "MI"), ("Green Bay", "WI"), ("Gary", "IN")),
}
"""Territory -> cities with their states."""

TERRITORY_REPS = {
    "Pacific": ("dana", "lena"),
    "Mountain": ("lena",),
    "Central": ("nora",),
    "Northeast": ("eli", "tom"),
    "Southeast": ("raj",),
    "Great Lakes": ("tom",),
}

_FIRST_WORDS = (
    "Cedar Pioneer Summit Lakeside Ironwood Granite Redwood Sterling Prairie Tidewater Falcon Juniper Keystone "
    "Evergreen Silverton Cascade Beacon Riverbend Foxglove Northgate Oakhurst Bluestem Canyon Driftwood Elkhorn "
    "Fairmont Glenwood Highline Inland Jasper Kestrel Longview Meridian Nettle Orchard Pinecrest Quarry Rosedale "
    "Stonebridge Thornton"
).split()
_TRADES = (
    ("Fabrication", "Manufacturing"),
    ("Machine Works", "Manufacturing"),
    ("Castings", "Manufacturing"),
    ("Tooling", "Manufacturing"),
    ("Foods", "Food & Beverage"),
    ("Dairy", "Food & Beverage"),
    ("Brewing", "Food & Beverage"),
    ("Energy", "Energy"),
    ("Power Cooperative", "Energy"),
    ("Chemicals", "Chemicals"),
    ("Coatings", "Chemicals"),
    ("Medical", "Healthcare"),
    ("Laboratories", "Healthcare"),
    ("Water District", "Utilities"),
    ("Builders", "Construction"),
    ("Freight", "Transportation"),
    ("Aerospace", "Aerospace"),
    ("Paper", "Manufacturing"),
    ("Pharma", "Healthcare"),
    ("Semiconductor", "Electronics"),
)
FIRST_NAMES = (
    "Aaron Abigail Adam Alice Amara Andre Anita Arthur Beatriz Brian Carla Carlos Cecilia Chloe Clara Daniel Deepa "
    "Diego Edith Elena Emeka Erik Fatima Felix Fiona Gavin Georgia Hannah Hector Helen Ingrid Isaac Jasmine Joel "
    "Judith Karim Laura Leon Lucia Magnus Marta Miguel Nadia Neil Olga Omar Paula Peter Quinn Rachel Ramon Rosa "
    "Samir Sonia Teresa Theo Ulrich Valerie Wendy Yusuf"
).split()
FAMILY_NAMES = (
    "Abbott Acosta Baker Barlow Bennett Bianchi Blake Bowen Campos Carver Chen Clarke Cole Costa Cruz Dalton Dunn "
    "Eriksen Espinoza Finch Fischer Flores Garner Gibson Grant Greene Hansen Hardy Hayes Hoffman Hughes Ibarra Iyer "
    "Jensen Keller Khan Lang Larsen Lowe Mason Mehta Mercer Molina Moss Novak Olsen Park Patel Pierce Ramsey Rossi "
    "Salazar Schmidt Shaw Silva Stone Tate Torres Underwood Vega Wagner Walsh Weber Wolfe Yates Young Ziegler"
).split()
TITLES = (
    "Plant Manager",
    "Maintenance Supervisor",
    "Purchasing Manager",
    "Quality Engineer",
    "Process Engineer",
    "Operations Director",
    "Instrumentation Technician",
    "Procurement Specialist",
    "Finance Director",
    "Safety Coordinator",
)
_ACCOUNT_NOTES = (
    "Runs two shifts; deliveries before 6 a.m. only.",
    "Requires certificates of conformity with every delivery.",
    "Central purchasing decides; plants may order up to their own limit.",
    "Prefers a call to a mail. Fiscal year ends in June.",
    "Second site planned; engineering team is small and asks for start-up help.",
    "Came to us after a competitor missed three delivery dates.",
    "Pays on time. Wants one invoice per month.",
)


def company_names() -> list[tuple[str, str]]:
    """(name, industry) of every company of this small world, in an order that all tenants share."""
    names = [(f"{first} {trade}", industry) for first in _FIRST_WORDS for trade, industry in _TRADES]
    Random("companies").shuffle(names)  # noqa: S311 - believable data, not secrets
    return names


def slug(name: str) -> str:
    """The name as it appears in host names."""
    return "-".join("".join(c if c.isalnum() else " " for c in name.lower()).split())


def build_companies(draft: TenantDraft) -> None:
    """All accounts and contacts; the named ones come first and have the lowest numbers."""
    _add_named_accounts(draft)
    world = company_names()
    start = draft.profile.first_company
    for number in range(draft.count(76, least=6)):
        lap, place = divmod(start + number, len(world))
        name, industry = world[place]
        _add_account(draft, f"{name} {lap + 1}" if lap else name, industry, pick_territory(draft))
    _add_subsidiaries(draft)
    _add_contacts(draft)


def pick_territory(draft: TenantDraft) -> str:
    """Pacific and Northeast are the busiest."""
    return draft.rng.choices(tuple(PLACES), weights=(5, 2, 2, 4, 2, 3))[0]


def account_of(draft: TenantDraft, name: str) -> Row:
    """The account with this name."""
    return next(row for row in draft.rows["Account"] if row["Name"] == name)


def _add_named_accounts(draft: TenantDraft) -> None:
    named = (
        ("Acme Industries", "Manufacturing", "Pacific", "dana"),
        ("Acme Industrial", "Construction", "Great Lakes", "tom"),
        ("Acme Industries Canada", "Manufacturing", "Northeast", "eli"),
        ("Harbor Tools", "Manufacturing", "Pacific", "dana"),
        ("Harbour Tools", "Manufacturing", "Northeast", "eli"),
        ("Globex Fabrication", "Manufacturing", "Northeast", "eli"),
        ("Initech Laboratories", "Healthcare", "Pacific", "dana"),
        ("Umbra Coatings", "Chemicals", "Southeast", "raj"),
    )
    for name, industry, territory, rep in named:
        row = _add_account(draft, name, industry, territory, rep=rep)
        row["Type"] = "Customer"
    acme = draft.rows["Account"][0]
    acme.update(
        BillingCity="San Jose",
        BillingState="CA",
        ShippingState="CA",
        NumberOfEmployees=1240,
        AnnualRevenue=Decimal(310_000_000),
        Description="Makes pump housings and valve bodies. Fabrication line 3 is due for renewal next year.",
    )
    draft.rows["Account"][2]["ParentId"] = acme["Id"]


def _add_account(draft: TenantDraft, name: str, industry: str, territory: str, *, rep: str | None = None) -> Row:
    city, state = draft.pick(PLACES[territory])
    employees = draft.pick((18, 35, 60, 110, 180, 260, 420, 800, 1500, 3200))
    created = draft.moment(730, 200)
    domain = slug(name)
    return draft.add(
        "Account",
        owner=staff_id(rep or draft.pick(TERRITORY_REPS[territory])),
        created=created,
        modified=draft.after(created, 24, 4000),
        Name=name,
        Industry=industry,
        Type=draft.rng.choices(("Customer", "Prospect", "Partner", "Former Customer"), weights=(6, 3, 1, 1))[0],
        NumberOfEmployees=employees + draft.rng.randrange(15),
        AnnualRevenue=Decimal(employees * draft.rng.randrange(120, 380) * 1000),
        Phone=phone(draft),
        Website=f"https://www.{domain}.example",
        BillingCity=city,
        BillingState=state,
        BillingCountry="US",
        ShippingState=state if draft.chance(0.85) else draft.pick(PLACES[territory])[1],
        Description=draft.pick(_ACCOUNT_NOTES) if draft.chance(0.7) else None,
    )


def _add_subsidiaries(draft: TenantDraft) -> None:
    """A few of the later accounts belong to an earlier one."""
    rows = draft.rows["Account"]
    for child in rows[20::17]:
        child["ParentId"] = rows[draft.rng.randrange(8, 20)]["Id"]


def _add_contacts(draft: TenantDraft) -> None:
    for person in (ANN_POE, ANNE_POE, OSCAR_LIND, RUTH_HALE):
        _add_customer(draft, person)
    _add_look_alikes(draft)
    for account in draft.rows["Account"]:
        for _ in range(draft.rng.choices((1, 2, 3, 4), weights=(2, 4, 3, 1))[0]):
            add_contact(draft, account, draft.pick(FIRST_NAMES), draft.pick(FAMILY_NAMES))


def _add_customer(draft: TenantDraft, person: Customer) -> None:
    row = add_contact(draft, account_of(draft, person.account), person.first_name, person.last_name)
    row.update(Title=person.title, Email=person.email, HasOptedOutOfEmail=False)


def _add_look_alikes(draft: TenantDraft) -> None:
    """People whom a careless search would mistake for each other."""
    for first, last, company in (
        ("Ann", "Pole", "Harbour Tools"),
        ("Annie", "Poe", "Globex Fabrication"),
        ("Oskar", "Lind", "Umbra Coatings"),
        ("Ruth", "Hale", "Harbour Tools"),
    ):
        add_contact(draft, account_of(draft, company), first, last)


def add_contact(draft: TenantDraft, account: Row, first: str, last: str) -> Row:
    """A person at the account, owned by the account's owner."""
    host = account["Website"].removeprefix("https://www.")
    created = min(account["CreatedDate"] + timedelta(days=draft.rng.randrange(90)), draft.now - timedelta(hours=2))
    return draft.add(
        "Contact",
        owner=account["OwnerId"],
        created=created,
        AccountId=account["Id"],
        FirstName=first,
        LastName=last,
        Title=draft.pick(TITLES),
        Email=f"{first}.{last}@{host}".lower(),
        Phone=phone(draft),
        HasOptedOutOfEmail=draft.chance(0.12),
    )


def phone(draft: TenantDraft) -> str:
    """A number of the range that is reserved for fiction."""
    area = draft.pick((206, 303, 408, 415, 503, 512, 602, 614, 617, 713, 813, 919))
    return f"+1 {area} 555 01{draft.rng.randrange(100):02d}"
