"""At least one scenario per workflow."""

from tests.graphs.workflows.deals import OPPORTUNITY_PROGRESS, QUOTE_TO_ORDER, RENEWAL_OUTREACH
from tests.graphs.workflows.people import CAMPAIGN, CASE_RESOLUTION, LEAD_TO_OPPORTUNITY

SCENARIOS = (
    QUOTE_TO_ORDER,
    RENEWAL_OUTREACH,
    *OPPORTUNITY_PROGRESS,
    *LEAD_TO_OPPORTUNITY,
    *CASE_RESOLUTION,
    CAMPAIGN,
)
