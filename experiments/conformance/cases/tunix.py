"""Tunix 0.1.7: advantages and loss by the names of its GRPOConfig."""

from grpo_checks.experiments.conformance.cases.case import Case, preset_case
from grpo_checks.theory.estimators.advantages import Estimator
from grpo_checks.theory.rules.aggregation import Aggregation
from grpo_checks.theory.rules.rule import UpdateRule

GRPO, LOO = Estimator("group_normalized", 1, 1e-6), Estimator("leave_one_out")
MEAN = Estimator("mean_baseline")
SUM, TOKENS = Aggregation("episode_sum"), Aggregation("token_mean")
EPISODES = Aggregation("sequence_mean")
NORM = "sequence-mean-token-sum-norm"

CASES = (
    preset_case("tunix"),
    Case("tunix-token-mean", UpdateRule(GRPO, TOKENS), {"loss_agg_mode": "token-mean"}),
    Case("tunix-token-sum", UpdateRule(GRPO, SUM), {"loss_agg_mode": "seq-mean-token-sum"}),
    Case("tunix-token-sum-norm", UpdateRule(GRPO, SUM), {"loss_agg_mode": NORM}),
    Case("tunix-rloo", UpdateRule(LOO, EPISODES), {"advantage_estimator": "rloo"}),
    Case("tunix-drgrpo", UpdateRule(MEAN, EPISODES), {"advantage_estimator": "drgrpo"}),
)
