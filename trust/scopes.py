"""What a token may be used for. A token without a scope claim may be used for nothing."""

CRM_READ = "crm:read"
CRM_WRITE = "crm:write"
KNOWLEDGE_READ = "knowledge:read"
APPROVALS_DECIDE = "approvals:decide"
AUDIT_READ = "audit:read"
DATA_ERASE = "data:erase"

ALL_SCOPES = frozenset({CRM_READ, CRM_WRITE, KNOWLEDGE_READ, APPROVALS_DECIDE, AUDIT_READ, DATA_ERASE})
