"""Staff, territories, products, price lists and known issues: what the other records point to."""

from datetime import date, datetime, timedelta
from decimal import Decimal

from crm.seed.companies import PLACES, TERRITORY_REPS, phone
from crm.seed.draft import Row, TenantDraft, cents
from crm.seed.people import ADA, LAST_NAMES, STAFF, role_id, staff_id, username

CONTRACT_SHARE = Decimal("0.92")
"""What a price in the contract price list is of the list price."""


def build_catalogue(draft: TenantDraft) -> None:
    """Everything that does not depend on customers."""
    founded = draft.now - timedelta(days=760)
    _add_staff(draft, founded)
    _add_territories(draft, founded)
    _add_products(draft, founded)
    _add_price_lists(draft, founded)
    _add_issues(draft, founded)
    _add_rule(draft, founded)


def _add_staff(draft: TenantDraft, founded: datetime) -> None:
    for member, last_name in zip(STAFF, LAST_NAMES[draft.tenant], strict=True):
        login = username(member.key, draft.tenant)
        draft.add(
            "User",
            owner=staff_id(ADA.key),
            created=founded,
            Username=login,
            Alias=member.key[:8],
            FirstName=member.first_name,
            LastName=last_name,
            Email=login,
            Phone=phone(draft),
            IsActive=member.is_active,
            ManagerId=staff_id(member.manager) if member.manager else None,
            UserRoleId=role_id(member.role),
            ProfileId=member.permission_sets[0] if member.permission_sets else None,
            UserType="Standard",
        )


def _add_territories(draft: TenantDraft, founded: datetime) -> None:
    admin = staff_id(ADA.key)
    for name, places in PLACES.items():
        states = sorted({state for _, state in places})
        territory = draft.add("Territory2", owner=admin, created=founded, Name=name, Description=",".join(states))
        for rep in TERRITORY_REPS[name]:
            draft.add(
                "UserTerritory2Association",
                owner=admin,
                created=founded,
                UserId=staff_id(rep),
                Territory2Id=territory["Id"],
            )


def _add_products(draft: TenantDraft, founded: datetime) -> None:
    admin = staff_id(ADA.key)
    shelves: dict[str, Row] = {}
    for product in draft.profile.products:
        row = draft.add(
            "Product2",
            owner=admin,
            created=founded,
            Name=product.name,
            ProductCode=product.code,
            Family=product.family,
            Description=product.description,
            External_ID__c=f"{draft.tenant}-{product.code}".lower(),
        )
        if product.family not in shelves:
            shelves[product.family] = draft.add("ProductCategory", owner=admin, created=founded, Name=product.family)
        draft.add(
            "ProductCategoryProduct",
            owner=admin,
            created=founded,
            ProductCategoryId=shelves[product.family]["Id"],
            ProductId=row["Id"],
        )


def _add_price_lists(draft: TenantDraft, founded: datetime) -> None:
    admin = staff_id(ADA.key)
    for name, is_standard, share in (
        ("Standard Price Book", True, Decimal(1)),
        ("Contract Customers", False, CONTRACT_SHARE),
    ):
        book = draft.add(
            "Pricebook2",
            owner=admin,
            created=founded,
            Name=name,
            Description="List prices." if is_standard else "Prices for customers with a framework contract.",
            IsStandard=is_standard,
            ValidFrom=date(founded.year, 1, 1),
        )
        for product, row in zip(draft.profile.products, draft.rows["Product2"], strict=True):
            draft.add(
                "PricebookEntry",
                owner=admin,
                created=founded,
                Pricebook2Id=book["Id"],
                Product2Id=row["Id"],
                UnitPrice=cents(product.price * share),
            )


def _add_issues(draft: TenantDraft, founded: datetime) -> None:
    for trouble in draft.profile.troubles:
        draft.add(
            "Issue__c",
            owner=staff_id("stella"),
            created=draft.after(founded, 24, 2000),
            Name=trouble.name,
            Description__c=f"{trouble.description} Affects {trouble.product}. Cause: {trouble.cause}",
        )


def _add_rule(draft: TenantDraft, founded: datetime) -> None:
    """One that is not in force: what people do with the demo's records is theirs to restrict."""
    draft.add(
        "ValidationRule",
        owner=staff_id("devi"),
        created=draft.after(founded, 24, 2000),
        ValidationName="Escalated cases need a reason",
        ObjectName="Case",
        ErrorConditions='Status eq "Escalated"\nReason is_null true',
        ErrorMessage="Say why the case is escalated.",
    )
