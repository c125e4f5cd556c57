"""torchrl 0.14.1: GRPOLoss's aggregations, and the advantages of trajectories' returns."""

from grpo_checks.experiments.conformance.cases.case import Case, preset_case
from grpo_checks.theory.estimators.advantages import Estimator
from grpo_checks.theory.rules.aggregation import Aggregation
from grpo_checks.theory.rules.rule import UpdateRule

# Its divisor is the larger of the sd and 1e-6: no eps is added.
GRPO, EPISODES = Estimator("group_normalized", 1, 0.0), Aggregation("sequence_mean")
CASES = (
    preset_case("torchrl"),
    Case("torchrl-prompt-mean", UpdateRule(GRPO, EPISODES), {"aggregation": "prompt_mean"}),
)
