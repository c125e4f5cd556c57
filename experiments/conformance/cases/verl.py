"""verl 0.9.1: its advantages and losses by the names of its configuration."""

from grpo_checks.experiments.conformance.cases.case import Case, preset_case
from grpo_checks.theory.estimators.advantages import Estimator
from grpo_checks.theory.rules.aggregation import Aggregation
from grpo_checks.theory.rules.presets import preset
from grpo_checks.theory.rules.rule import UpdateRule

GRPO, TOKENS = preset("verl").rule.estimator, Aggregation("token_mean")
LOO, MEAN = Estimator("leave_one_out"), Estimator("mean_baseline")
SUM, NORM = "seq-mean-token-sum", "seq-mean-token-sum-norm"
SINGLE = {"precision": "float32"}
"""Where verl's own code has float32 inside, or adds 1e-8 to a count, which float64 would show."""
BASELINE = "reinforce_plus_plus_baseline"

CASES = (
    preset_case("verl"),
    preset_case("verl-seq-mean", loss_agg_mode="seq-mean-token-mean", **SINGLE),
    Case(f"verl-{SUM}", UpdateRule(GRPO, Aggregation("episode_sum")), {"loss_agg_mode": SUM}),
    Case(f"verl-{NORM}", UpdateRule(GRPO, Aggregation("constant")), {"loss_agg_mode": NORM}),
    preset_case("verl-gdpo", adv_estimator="gdpo", **SINGLE),
    preset_case("verl-opo", adv_estimator="opo"),
    preset_case("verl-gpg", adv_estimator="gpg", loss_mode="gpg", **SINGLE),
    preset_case("verl-passk", adv_estimator="grpo_passk"),
    preset_case("verl-reinforce++-baseline", adv_estimator=BASELINE, **SINGLE),
    Case("verl-rloo", UpdateRule(LOO, TOKENS), {"adv_estimator": "rloo"}),
    Case(
        "verl-rloo-token-sum", preset("rloo").rule, {"adv_estimator": "rloo", "loss_agg_mode": SUM}
    ),
    Case("verl-no-std", UpdateRule(MEAN, TOKENS), {"norm_adv_by_std_in_grpo": False}),
    Case(
        "verl-grpo-vectorized", preset("verl").rule, {"adv_estimator": "grpo_vectorized", **SINGLE}
    ),
)
"""``seq-mean-token-sum-norm`` has the longest episode in decisions for ``loss_scale_factor``."""
