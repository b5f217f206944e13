"""A tenant's own definitions of metrics: read for every question, parsed once."""

from collections import OrderedDict
from datetime import datetime
from hashlib import sha256

from sqlalchemy import select

from crm.database import TenantSession
from crm.metrics import MetricDefinitions
from crm.repositories.inserting import insert_or_replace
from crm.semantics.loading import SemanticError, extend, shipped_layer
from crm.semantics.model import Layer

_MOST_KEPT = 128
_kept: OrderedDict[str, Layer] = OrderedDict()
"""By digest of the text, so that whose it is makes no difference."""


async def load_layer(session: TenantSession) -> Layer:
    """The shipped definitions with the tenant's own; without these if they do not fit the service any more."""
    text = await find_text(session)
    if not text:
        return shipped_layer()
    key = sha256(text.encode()).hexdigest()
    if key not in _kept:
        try:
            _kept[key] = extend(shipped_layer(), text)
        except SemanticError:
            _kept[key] = shipped_layer()
        if len(_kept) > _MOST_KEPT:
            _kept.popitem(last=False)
    return _kept[key]


async def find_text(session: TenantSession) -> str | None:
    """The tenant's own definitions as they were put in."""
    found: str | None = await session.scalar(select(MetricDefinitions.text))
    return found


async def put_text(session: TenantSession, text: str, *, by: str, at: datetime) -> Layer:
    """Take definitions in place of those before. Raises: SemanticError."""
    layer = extend(shipped_layer(), text)
    values = {"text": text, "changed_by": by, "changed_at": at}
    await insert_or_replace(session, MetricDefinitions, values, key=("tenant",))
    return layer
