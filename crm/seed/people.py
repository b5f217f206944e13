"""Who works for the demo tenants: named persons, the role tree, the teams."""

from dataclasses import dataclass

from crm.ids import numbered_id

NORTHWIND = "northwind"
SOUTHRIDGE = "southridge"

SALES_TEAM = "sales_team"
SERVICE_TEAM = "service_team"
MARKETING_TEAM = "marketing_team"
DEAL_DESK = "deal_desk"
SAFETY_BOARD = "safety_board"


@dataclass(frozen=True)
class Role:
    """A place in the role tree; `parent` is the key of the place above."""

    key: str
    name: str
    parent: str | None


ROLES = (
    Role("ceo", "Chief Executive", None),
    Role("vp_sales", "VP Sales", "ceo"),
    Role("sales_manager_west", "Sales Manager West", "vp_sales"),
    Role("sales_manager_east", "Sales Manager East", "vp_sales"),
    Role("sales_rep_west", "Sales Representative West", "sales_manager_west"),
    Role("sales_rep_east", "Sales Representative East", "sales_manager_east"),
    Role("vp_service", "VP Service", "ceo"),
    Role("service_manager", "Service Manager", "vp_service"),
    Role("service_agent", "Service Agent", "service_manager"),
    Role("marketing", "Marketing", "ceo"),
    Role("analyst", "Business Analyst", "ceo"),
    Role("developer", "CRM Developer", "ceo"),
    Role("admin", "System Administrator", "ceo"),
)


@dataclass(frozen=True, kw_only=True)
class StaffMember:
    """A person on the payroll. `key` is the local part of the username and the same in both tenants."""

    key: str
    first_name: str
    role: str
    manager: str | None
    permission_sets: tuple[str, ...]
    groups: tuple[str, ...] = ()
    is_active: bool = True


def _rep(key: str, side: str, manager: str, *, groups: tuple[str, ...] = (SALES_TEAM,)) -> StaffMember:
    return StaffMember(
        key=key,
        first_name=key.title(),
        role=f"sales_rep_{side}",
        manager=manager,
        permission_sets=("sales_rep",),
        groups=groups,
    )


def _sales_manager(key: str, side: str) -> StaffMember:
    return StaffMember(
        key=key,
        first_name=key.title(),
        role=f"sales_manager_{side}",
        manager="victor",
        permission_sets=("sales_manager",),
        groups=(SALES_TEAM, DEAL_DESK),
    )


def _agent(key: str) -> StaffMember:
    return StaffMember(
        key=key,
        first_name=key.title(),
        role="service_agent",
        manager="stella",
        permission_sets=("service_agent",),
        groups=(SERVICE_TEAM,),
    )


def _staff(key: str, role: str, manager: str | None, *sets: str, groups: tuple[str, ...] = ()) -> StaffMember:
    return StaffMember(key=key, first_name=key.title(), role=role, manager=manager, permission_sets=sets, groups=groups)


DANA = _rep("dana", "west", "mara")
"""Sales representative; owns Acme Industries."""
ELI = _rep("eli", "east", "owen")
"""Sales representative of the other region: does not see what Dana owns."""
MARA = _sales_manager("mara", "west")
"""Sales manager above Dana; decides on her held writes."""
SAM = _agent("sam")
"""Service agent; works Acme's cases and may not read amounts."""
STELLA = _staff(
    "stella", "service_manager", "vera", "service_agent", "service_manager", groups=(SERVICE_TEAM, SAFETY_BOARD)
)
"""Service manager above Sam."""
IRIS = _staff("iris", "marketing", "grace", "marketing", groups=(MARKETING_TEAM,))
"""Marketing user."""
ALAN = _staff("alan", "analyst", "grace", "analyst")
"""Analyst: reads across the tenant, without e-mail addresses and phone numbers."""
DEVI = _staff("devi", "developer", "grace", "developer", groups=(SAFETY_BOARD,))
"""CRM developer."""
ADA = _staff("ada", "admin", "grace", "admin")
"""System administrator."""

_FORMER_REP = StaffMember(
    key="gus",
    first_name="Gus",
    role="sales_rep_east",
    manager="owen",
    permission_sets=(),
    is_active=False,
)

STAFF = (
    _staff("grace", "ceo", None, "sales_manager"),
    _staff("victor", "vp_sales", "grace", "sales_manager", groups=(SALES_TEAM, DEAL_DESK)),
    MARA,
    _sales_manager("owen", "east"),
    DANA,
    ELI,
    _rep("lena", "west", "mara"),
    _rep("raj", "east", "owen"),
    _rep("nora", "west", "mara"),
    _rep("tom", "east", "owen"),
    _staff("vera", "vp_service", "grace", "service_agent", "service_manager", groups=(SAFETY_BOARD,)),
    STELLA,
    SAM,
    _agent("priya"),
    _agent("jonas"),
    _agent("mei"),
    _agent("luis"),
    _agent("kate"),
    IRIS,
    _staff("ben", "marketing", "iris", "marketing", groups=(MARKETING_TEAM,)),
    ALAN,
    DEVI,
    ADA,
    _FORMER_REP,
)
"""Everybody, in the order of their user ids, which are the same in both tenants."""

LAST_NAMES = {
    NORTHWIND: (
        "Holloway Brandt Lindqvist Ferris Whitlock Marchetti Osei Chandra Vance Becker Castellan Okafor Reyes Nair "
        "Albrecht Zhang Ortega Doyle Falk Sutter Whitaker Rao Kowalski Penrose"
    ).split(),
    SOUTHRIDGE: (
        "Ashworth Delgado Lindgren Foster Whitlow Marchand Osborne Chaudhry Vargas Beckett Castillo Okoye Rhodes Nayar "
        "Alber Zheng Ortiz Doyle Falkner Suarez Whitman Ramos Kovacs Pryor"
    ).split(),
}
"""Family names of the staff, in the order of `STAFF`."""


def staff_id(key: str) -> str:
    """The user id of a staff member, the same in both tenants."""
    return numbered_id("005", next(number for number, member in enumerate(STAFF, 1) if member.key == key))


def role_id(key: str) -> str:
    """The id of a place in the role tree."""
    return numbered_id("00E", next(number for number, role in enumerate(ROLES, 1) if role.key == key))


def username(key: str, tenant: str) -> str:
    """How a staff member logs in."""
    return f"{key}@{tenant}.example"


@dataclass(frozen=True)
class Customer:
    """A contact who may call as a customer. The number is that of the contact id in both tenants."""

    number: int
    first_name: str
    last_name: str
    account: str
    title: str
    email: str

    @property
    def contact_id(self) -> str:
        return numbered_id("003", self.number)


ANN_POE = Customer(1, "Ann", "Poe", "Acme Industries", "Maintenance Manager", "ann.poe@acme-industries.example")
ANNE_POE = Customer(2, "Anne", "Poe", "Acme Industrial", "Purchasing Lead", "anne.poe@acme-industrial.example")
OSCAR_LIND = Customer(3, "Oscar", "Lind", "Acme Industries", "Plant Director", "oscar.lind@acme-industries.example")
RUTH_HALE = Customer(4, "Ruth", "Hale", "Harbor Tools", "Operations Lead", "ruth.hale@harbor-tools.example")

CUSTOMERS = (ANN_POE, ANNE_POE, OSCAR_LIND, RUTH_HALE)
"""Contacts of both tenants who hold the permission set `customer`."""
