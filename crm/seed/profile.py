"""What sets one demo tenant apart from another: what it sells, what breaks, what it tells its customers."""

from collections.abc import Mapping
from dataclasses import dataclass

from crm.ids import TenantId


@dataclass(frozen=True)
class Product:
    """Something on the price list; `price` is in whole currency units."""

    code: str
    name: str
    family: str
    price: int
    description: str


@dataclass(frozen=True, kw_only=True)
class Trouble:
    """A known issue, how customers report it, and what helps."""

    name: str
    product: str
    description: str
    subjects: tuple[str, ...]
    symptoms: tuple[str, ...]
    cause: str
    fix: str
    kind: str
    reason: str


@dataclass(frozen=True)
class Article:
    """A knowledge article. Audience is `public`, `customers` or `staff`; status as in the CRM."""

    title: str
    summary: str
    answer: str
    audience: str = "customers"
    status: str = "Online"


@dataclass(frozen=True)
class CampaignPlan:
    """A campaign and whom it is meant for."""

    name: str
    kind: str
    description: str


@dataclass(frozen=True, kw_only=True)
class Profile:
    """Everything the seed needs to know about a tenant."""

    tenant: TenantId
    name: str
    products: tuple[Product, ...]
    troubles: tuple[Trouble, ...]
    articles: tuple[Article, ...]
    campaigns: tuple[CampaignPlan, ...]
    deal_purposes: tuple[str, ...]
    needs: tuple[str, ...]
    first_company: int
    """Where in the common list of companies this tenant's customers start."""
    first_numbers: Mapping[str, int]
    """Object -> running number of its first id; 1 where nothing is said."""
    size: float
    """Volume compared with the larger tenant."""
