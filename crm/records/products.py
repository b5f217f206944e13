"""What is sold, and for how much."""

from datetime import date
from decimal import Decimal

from sqlalchemy.orm import Mapped

from crm import fields
from crm.base import Record


class Product2(Record):
    """Something the tenant sells."""

    prefix = "01t"

    Name: Mapped[str] = fields.text(required=True)
    ProductCode: Mapped[str | None] = fields.text()
    Family: Mapped[str | None] = fields.picklist()
    Description: Mapped[str | None] = fields.long_text()
    IsActive: Mapped[bool] = fields.flag(default=True)
    External_ID__c: Mapped[str | None] = fields.text()


class ProductCategory(Record):
    """A shelf of the catalogue."""

    prefix = "0ZG"

    Name: Mapped[str] = fields.text(required=True)
    CatalogId: Mapped[str | None] = fields.text()


class ProductCategoryProduct(Record):
    """Places a product on a shelf."""

    prefix = "0ZI"
    name_fields = ("Id",)

    ProductCategoryId: Mapped[str] = fields.reference("ProductCategory", required=True)
    ProductId: Mapped[str] = fields.reference("Product2", required=True)


class Pricebook2(Record):
    """A list of prices."""

    prefix = "01s"

    Name: Mapped[str] = fields.text(required=True)
    Description: Mapped[str | None] = fields.long_text()
    IsActive: Mapped[bool] = fields.flag(default=True)
    IsStandard: Mapped[bool] = fields.flag()
    ValidFrom: Mapped[date | None] = fields.day()
    ValidTo: Mapped[date | None] = fields.day()


class PricebookEntry(Record):
    """What a product costs in a price list."""

    prefix = "01u"
    name_fields = ("Id",)

    Pricebook2Id: Mapped[str] = fields.reference("Pricebook2", required=True)
    Product2Id: Mapped[str] = fields.reference("Product2", required=True)
    UnitPrice: Mapped[Decimal] = fields.money(required=True)
    IsActive: Mapped[bool] = fields.flag(default=True)
