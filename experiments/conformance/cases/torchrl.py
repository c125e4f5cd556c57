"""torchrl 0.14.1: GRPOLoss's aggregations, and the advantages of trajectories' returns."""

from grpo_checks.experiments.conformance.cases.case import Case
from grpo_checks.theory.estimators.advantages import Estimator
from grpo_checks.theory.rules.aggregation import Aggregation
from grpo_checks.theory.rules.presets import preset
from grpo_checks.theory.rules.rule import UpdateRule

# Its divisor is the larger of the sd and 1e-6: no eps is added.
GRPO = Estimator("group_normalized", 1, 0.0)
CASES = (
    Case("torchrl", preset("torchrl").rule),
    Case(
        "torchrl-prompt-mean",
        UpdateRule(GRPO, Aggregation("sequence_mean")),
        {"aggregation": "prompt_mean"},
    ),
)
