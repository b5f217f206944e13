"""What every table and every record has: a tenant first, and for records the common fields."""

from datetime import datetime
from typing import Any, ClassVar

from sqlalchemy import ForeignKeyConstraint, Index, Integer, MetaData, String
from sqlalchemy.orm import DeclarativeBase, Mapped, MappedColumn, declared_attr, mapped_column

from crm import fields
from crm.fields import FieldSpec, Kind


class Base(DeclarativeBase):
    """All tables of the service, in one metadata so that one migration history covers them."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
        }
    )


class TenantRow:
    """A row that belongs to one tenant. The tenant leads every key, so ids of two tenants never meet."""

    tenant: Mapped[str] = mapped_column(String(40), primary_key=True, sort_order=-10)


DECLARED: "dict[str, type[Record]]" = {}
"""Filled as the modules of `crm/records` are imported; read it as `crm.records.OBJECTS`."""


class Record(TenantRow, Base):
    """A CRM record. Attribute and column names are the CRM's own field names: docs/decisions/0002."""

    __abstract__ = True

    object_name: ClassVar[str]
    prefix: ClassVar[str]
    name_fields: ClassVar[tuple[str, ...]] = ("Name",)
    """What a person calls the record by, in the order it is written."""
    parents: ClassVar[tuple[str, ...]] = ()
    """Reference fields that decide who may see the record, where the tenant's default says that its parent does:
    the first one that is filled counts."""

    Id: Mapped[str] = mapped_column(
        String(18),
        primary_key=True,
        sort_order=-9,
        info={"spec": FieldSpec(kind=Kind.ID, is_system=True, description="Record id.")},
    )
    OwnerId: Mapped[str | None] = fields.reference("User", "Who is responsible for the record.")
    CreatedDate: Mapped[datetime] = fields.instant("When the record was created.", system=True, index=True)
    CreatedById: Mapped[str | None] = fields.column(Kind.REFERENCE, "Who created it.", system=True)
    LastModifiedDate: Mapped[datetime] = fields.instant("When a person or the copilot last changed it.", system=True)
    LastModifiedById: Mapped[str | None] = fields.column(Kind.REFERENCE, "Who last changed it.", system=True)
    SystemModstamp: Mapped[datetime] = fields.instant("When anything last changed it.", system=True)
    IsDeleted: Mapped[bool] = fields.flag("Whether it lies in the bin.", system=True)
    version: Mapped[int] = mapped_column(Integer, default=1)

    def is_from_outside(self) -> bool:
        """Whether the fields declared `external` hold, in this record, what somebody outside the tenant wrote."""
        return True

    def __init_subclass__(cls, **kwargs: Any) -> None:
        if "prefix" in cls.__dict__:
            cls.object_name = cls.__dict__.get("object_name", cls.__name__)
            DECLARED[cls.object_name] = cls
        super().__init_subclass__(**kwargs)

    @declared_attr.directive
    def __tablename__(cls) -> str:
        return cls.object_name.lower()

    @declared_attr.directive
    def __mapper_args__(cls) -> dict[str, Any]:
        return {"version_id_col": cls.version}

    @declared_attr.directive
    def __table_args__(cls) -> tuple[Any, ...]:
        table = cls.object_name.lower()
        found: list[Any] = []
        for name, value in {**Record.__dict__, **cls.__dict__}.items():
            if not isinstance(value, MappedColumn):
                continue
            spec = value.column.info.get("spec")
            if spec is None:
                continue
            if len(spec.targets) == 1:
                target = spec.targets[0].lower()
                found.append(
                    ForeignKeyConstraint(
                        ["tenant", name],
                        [f"{target}.tenant", f"{target}.Id"],
                        name=f"fk_{table}_{name}",
                        deferrable=True,
                        initially="DEFERRED",
                    )
                )
            if value.column.info.get("index"):
                found.append(Index(f"ix_{table}_{name}", "tenant", name))
        return (*found, *cls.__dict__.get("constraints", ()))
