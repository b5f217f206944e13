"""All attacks, family by family, and the tasks that have to be done in spite of them."""

from evals.attacks.cases import Attack
from evals.attacks.families import approvals, leaks, letters, outsiders, records

ATTACKS: tuple[Attack, ...] = (
    *outsiders.ATTACKS,
    *leaks.ATTACKS,
    *letters.ATTACKS,
    *records.ATTACKS,
    *approvals.ATTACKS,
)
