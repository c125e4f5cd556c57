"""Tunix 0.1.7: advantages and loss by the names of its GRPOConfig."""

from grpo_checks.experiments.conformance.cases.case import Case
from grpo_checks.theory.estimators.advantages import Estimator
from grpo_checks.theory.rules.aggregation import Aggregation
from grpo_checks.theory.rules.presets import preset
from grpo_checks.theory.rules.rule import UpdateRule

GRPO = Estimator("group_normalized", 1, 1e-6)
SUM, TOKENS = Aggregation("episode_sum"), Aggregation("token_mean")
EPISODES = Aggregation("sequence_mean")
CASES = (
    Case("tunix", preset("tunix").rule),
    Case("tunix-token-mean", UpdateRule(GRPO, TOKENS), {"loss_agg_mode": "token-mean"}),
    Case("tunix-token-sum", UpdateRule(GRPO, SUM), {"loss_agg_mode": "seq-mean-token-sum"}),
    Case(
        "tunix-token-sum-norm",
        UpdateRule(GRPO, SUM),
        {"loss_agg_mode": "sequence-mean-token-sum-norm"},
    ),
    Case(
        "tunix-rloo",
        UpdateRule(Estimator("leave_one_out"), EPISODES),
        {"advantage_estimator": "rloo"},
    ),
    Case(
        "tunix-drgrpo",
        UpdateRule(Estimator("mean_baseline"), EPISODES),
        {"advantage_estimator": "drgrpo"},
    ),
)
