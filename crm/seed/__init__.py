"""Two demo tenants that look alike, and what any fresh tenant starts with."""

from crm.seed.rights import TenantExistsError, assign_permission_sets, create_tenant
from crm.seed.tenants import DEFAULT_TODAY, SeedReport, draft_tenant, seed, seed_copies

__all__ = [
    "DEFAULT_TODAY",
    "SeedReport",
    "TenantExistsError",
    "assign_permission_sets",
    "create_tenant",
    "draft_tenant",
    "seed",
    "seed_copies",
]
