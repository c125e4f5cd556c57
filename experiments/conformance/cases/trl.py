"""TRL 1.16's GRPOTrainer: losses, scalings, GDPO, and an end-of-text token that counts."""

from collections.abc import Iterator

from grpo_checks.experiments.conformance.cases.case import Case, with_faults
from grpo_checks.theory.estimators.advantages import Estimator
from grpo_checks.theory.rules.aggregation import Aggregation, AggregationName
from grpo_checks.theory.rules.rule import UpdateRule

EPS = 1e-4
"""Its constant: ``std + 1e-4``."""
LOSSES: dict[str, AggregationName] = {
    "dapo": "token_mean",
    "bnpo": "token_mean",
    "grpo": "sequence_mean",
    "dr_grpo": "constant",
    "luspo": "episode_sum",
}
"""bnpo's divisor is that of a micro-batch; where the batch is one, a token mean."""
SCALES = {
    "group": Estimator("group_normalized", 1, EPS),
    "batch": Estimator("batch_scaled", 1, EPS),
    "none": Estimator("mean_baseline"),
}
GDPO = Estimator("componentwise_normalized", 1, EPS, whiten=EPS)


def _cases() -> Iterator[Case]:
    for loss, name in LOSSES.items():
        for scale, estimator in SCALES.items():
            options = {"loss_type": loss, "scale_rewards": scale}
            yield Case(f"{loss}/{scale}", UpdateRule(estimator, Aggregation(name)), options)
    for loss in ("dapo", "grpo", "luspo"):
        options = {"loss_type": loss, "multi_objective_aggregation": "normalize_then_sum"}
        yield Case(f"{loss}/gdpo", UpdateRule(GDPO, Aggregation(LOSSES[loss])), options)
    for loss in ("dapo", "grpo", "dr_grpo"):
        rule = UpdateRule(SCALES["group"], Aggregation(LOSSES[loss], length_offset=1))
        yield Case(f"{loss}/group+end", rule, {"loss_type": loss, "end_of_text": True})


def _same_update() -> Iterator[Case]:
    """Losses and ratios that differ beyond the first step on a batch alone."""
    sequence = {"importance_sampling_level": "sequence"}
    for loss in ("dapo", "grpo", "luspo"):
        rule = UpdateRule(SCALES["group"], Aggregation(LOSSES[loss]))
        yield Case(f"{loss}/group+sequence", rule, {"loss_type": loss, **sequence})
    rule = UpdateRule(SCALES["group"], Aggregation(LOSSES["dapo"]))
    # Its bound on a ratio is 1 + .2 of the other losses by default, but .2 itself here.
    yield Case("cispo/group", rule, {"loss_type": "cispo", "epsilon_high": 5.0})
    rule = UpdateRule(SCALES["group"], Aggregation(LOSSES["grpo"]))
    yield Case("sapo/group", rule, {"loss_type": "sapo"})


def _leave_one_out() -> Iterator[Case]:
    """Its RLOOTrainer; ``beta`` is .05 by default. Responses of tools are no part of it."""
    for name, whiten in (("rloo", None), ("rloo/normalized", EPS)):
        options = {"trainer": "RLOOTrainer", "beta": 0.0, "normalize_advantages": bool(whiten)}
        rule = UpdateRule(Estimator("leave_one_out", 1, 0.0, whiten), Aggregation("episode_sum"))
        yield Case(name, rule, options, responses=False)


def _tool_loop() -> Iterator[Case]:
    """Its loop over tool calls, through ``environment_factory``."""
    for loss in ("dapo", "grpo", "luspo"):
        rule = UpdateRule(SCALES["group"], Aggregation(LOSSES[loss]))
        yield Case(f"{loss}/tool loop", rule, {"loss_type": loss, "tool_loop": True}, True)


DEFAULTS = Case("defaults", UpdateRule(SCALES["group"], Aggregation("token_mean")))
CASES = (DEFAULTS, *_cases(), *_same_update(), *_leave_one_out(), *_tool_loop())
MUTANTS = with_faults(DEFAULTS)
LUSPO = UpdateRule(SCALES["group"], Aggregation("episode_sum"))
SAMPLERS = (
    Case("luspo/group", LUSPO, {"loss_type": "luspo"}),
    Case("temperature 1.05", LUSPO, {"loss_type": "luspo", "temperature": 1.05}),
    Case("top_k 50", LUSPO, {"loss_type": "luspo", "top_k": 50}),
    Case("top_p .98", LUSPO, {"loss_type": "luspo", "top_p": 0.98}),
)
"""Groups do not know one another under this loss, so a step may have many of them."""
