"""What the file of a theorem of one's own imports; docs/your_own_theorem.md makes one."""

from grpo_checks.experiments.falsifier.choice_domain import ChoiceDomain, one_prompt
from grpo_checks.experiments.falsifier.constraints import (
    above_zero,
    boolean,
    fraction,
    integer,
    interval,
    one_of,
    simplex,
)
from grpo_checks.experiments.falsifier.deep.domain import DeepDomain, placed
from grpo_checks.experiments.falsifier.deep.model import deep_model
from grpo_checks.experiments.falsifier.domain import Domain
from grpo_checks.experiments.falsifier.statement import Statement
from grpo_checks.experiments.models.instances import build, named
from grpo_checks.experiments.protocol.assumptions import Assumption, stated
from grpo_checks.experiments.protocol.cell_rows import equality, inequality
from grpo_checks.experiments.protocol.points import Case
from grpo_checks.experiments.protocol.theorem import theorem
from grpo_checks.experiments.protocol.verdict import unmet

__all__ = [
    "Assumption",
    "Case",
    "ChoiceDomain",
    "DeepDomain",
    "Domain",
    "Statement",
    "above_zero",
    "boolean",
    "build",
    "deep_model",
    "equality",
    "fraction",
    "inequality",
    "integer",
    "interval",
    "named",
    "one_of",
    "one_prompt",
    "placed",
    "simplex",
    "stated",
    "theorem",
    "unmet",
]
