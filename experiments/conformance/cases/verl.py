"""verl 0.9.1: its advantages and losses by the names of its configuration."""

from grpo_checks.experiments.conformance.cases.case import Case
from grpo_checks.theory.estimators.advantages import Estimator
from grpo_checks.theory.rules.aggregation import Aggregation
from grpo_checks.theory.rules.presets import preset
from grpo_checks.theory.rules.rule import UpdateRule

_GRPO = preset("verl").rule.estimator


def _mode(name: str, aggregation: str) -> Case:
    rule = UpdateRule(_GRPO, Aggregation(aggregation))  # type: ignore[arg-type]
    return Case(f"verl-{name}", rule, {"loss_agg_mode": name})


SINGLE = {"precision": "float32"}
"""Where verl's own code has float32 inside, or adds 1e-8 to a count, which float64 would show."""


CASES = (
    Case("verl", preset("verl").rule),
    Case(
        "verl-seq-mean",
        preset("verl-seq-mean").rule,
        {"loss_agg_mode": "seq-mean-token-mean", **SINGLE},
    ),
    _mode("seq-mean-token-sum", "episode_sum"),
    _mode("seq-mean-token-sum-norm", "constant"),
    Case("verl-gdpo", preset("verl-gdpo").rule, {"adv_estimator": "gdpo", **SINGLE}),
    Case("verl-opo", preset("verl-opo").rule, {"adv_estimator": "opo"}),
    Case(
        "verl-gpg", preset("verl-gpg").rule, {"adv_estimator": "gpg", "loss_mode": "gpg", **SINGLE}
    ),
    Case("verl-passk", preset("verl-passk").rule, {"adv_estimator": "grpo_passk"}),
    Case(
        "verl-reinforce++-baseline",
        preset("verl-reinforce++-baseline").rule,
        {"adv_estimator": "reinforce_plus_plus_baseline", **SINGLE},
    ),
    Case(
        "verl-rloo",
        UpdateRule(Estimator("leave_one_out"), Aggregation("token_mean")),
        {"adv_estimator": "rloo"},
    ),
    Case(
        "verl-rloo-token-sum",
        preset("rloo").rule,
        {"adv_estimator": "rloo", "loss_agg_mode": "seq-mean-token-sum"},
    ),
    Case(
        "verl-no-std",
        UpdateRule(Estimator("mean_baseline"), Aggregation("token_mean")),
        {"norm_adv_by_std_in_grpo": False},
    ),
    Case(
        "verl-grpo-vectorized",
        preset("verl").rule,
        {"adv_estimator": "grpo_vectorized", **SINGLE},
    ),
)
"""``seq-mean-token-sum-norm`` has the longest episode in decisions for ``loss_scale_factor``."""
