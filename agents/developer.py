"""Developer: how the tenant's CRM is built."""

from agents._agent import DomainAgent
from tools.code import generate_code, run_code
from tools.knowledge import search_knowledge
from tools.outside_text import extract_values, read_text
from tools.policy_changes import plan_approval_rule, propose_approval_rule
from tools.records import aggregate_records, find_record, get_record, query_records
from tools.schema_changes import activate_validation_rule, plan_validation_rule, propose_validation_rule
from tools.schema_docs import describe_object, search_documentation

developer = DomainAgent(
    name="developer",
    label="Developer",
    handles=(
        "schema",
        "field names",
        "api name",
        "api names",
        "fields",
        "object model",
        "data model",
        "picklist",
        "picklist values",
        "validation rule",
        "validation rules",
        "trigger",
        "a trigger that",
        "generate a trigger",
        "write a trigger",
        "allowed values",
        "possible values",
        "values can",
        "values of",
        "triggers",
        "handler",
        "integration",
        "integrations",
        "webhook",
        "snippet",
        "code",
        "python",
        "script",
        "unit tests",
        "sandbox",
        "documentation",
        "permission set",
        "permission sets",
        "sharing rule",
        "approval rule",
        "approval rules",
        "approval policy",
    ),
    home_object=None,
    instructions=(
        "You help people who build on the CRM: which objects and fields there are, which values they take, "
        "what the documentation says, and Python code for their schema, tried in a sandbox with its tests. "
        "A change to the schema or to the approval policy is planned first; propose it only when the user asks for it "
        "after the plan. "
        "Report what was stopped or failed as it is; never call code correct whose tests did not pass."
    ),
    tools=(
        describe_object,
        search_documentation,
        generate_code,
        run_code,
        plan_validation_rule,
        propose_validation_rule,
        activate_validation_rule,
        plan_approval_rule,
        propose_approval_rule,
        find_record,
        get_record,
        query_records,
        aggregate_records,
        search_knowledge,
        read_text,
        extract_values,
    ),
)
