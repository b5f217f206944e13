"""What a token may be used for. A token without a scope claim may be used for nothing."""

CRM_READ = "crm:read"
CRM_WRITE = "crm:write"
CRM_SEND = "crm:send"
"""Let messages leave the house; writing alone does not."""
KNOWLEDGE_READ = "knowledge:read"
APPROVALS_DECIDE = "approvals:decide"
AUDIT_READ = "audit:read"
CODE_RUN = "code:run"
"""Have code written and run in the sandbox."""
GATEWAY_MANAGE = "gateway:manage"
POLICY_MANAGE = "policy:manage"
DATA_ERASE = "data:erase"
USERS_MANAGE = "users:manage"
"""Say who comes in, and with what: people's sessions, keys of programs, groups, the directory."""
DIRECTORY_WRITE = "directory:write"
"""For the tenant's directory, which says who there is."""

ALL_SCOPES = frozenset(
    {
        CRM_READ,
        CRM_WRITE,
        CRM_SEND,
        KNOWLEDGE_READ,
        APPROVALS_DECIDE,
        AUDIT_READ,
        CODE_RUN,
        POLICY_MANAGE,
        GATEWAY_MANAGE,
        DATA_ERASE,
        USERS_MANAGE,
        DIRECTORY_WRITE,
    }
)
