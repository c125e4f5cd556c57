"""OpenRLHF 0.11.2: advantages and loss by the names of its command line."""

from grpo_checks.experiments.conformance.cases.case import Case, preset_case
from grpo_checks.theory.estimators.advantages import Estimator
from grpo_checks.theory.rules.aggregation import Aggregation
from grpo_checks.theory.rules.presets import preset
from grpo_checks.theory.rules.rule import UpdateRule

TOKENS, EPISODES = Aggregation("token_mean"), Aggregation("sequence_mean")
LOO, MEAN = Estimator("leave_one_out"), Estimator("mean_baseline")

CASES = (
    preset_case("openrlhf"),
    Case("openrlhf-rloo", UpdateRule(LOO, TOKENS), {"estimator": "rloo"}),
    Case("openrlhf-dr_grpo", UpdateRule(MEAN, TOKENS), {"estimator": "dr_grpo"}),
    preset_case("openrlhf-reinforce_baseline", estimator="reinforce_baseline", precision="float32"),
    Case(
        "openrlhf-sample",
        UpdateRule(preset("openrlhf").rule.estimator, EPISODES),
        {"loss_agg_mode": "seq-mean-token-mean", "precision": "float32"},
    ),
)
