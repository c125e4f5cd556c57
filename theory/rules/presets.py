"""The advantages that trainers compute, by name: estimators with their divisors and constants.

How a trainer's loss then weighs the tokens of an episode is another choice, and updates here are
sums over an episode's steps. No trainer does that by default: TRL 1.16 divides by the tokens of the
batch.

Checked against advantages computed by their own code (tests/data/grpo_advantages.json): TRL 1.16,
verl 0.9, OpenRLHF 0.11, the trainers of GDPO (arXiv:2601.05242) and Visual-ARFT (arXiv:2505.14246).
"""

from collections.abc import Mapping
from types import MappingProxyType

from grpo_checks.theory.estimators.advantages import Estimator

PRESETS: Mapping[str, Estimator] = MappingProxyType(
    {
        "trl": Estimator("group_normalized", 1, 1e-4),
        "trl-batch": Estimator("batch_scaled", 1, 1e-4),
        "trl-gdpo": Estimator("componentwise_normalized", 1, 1e-4, whiten=1e-4),
        "verl": Estimator("group_normalized", 1, 1e-6),
        "verl-gdpo": Estimator(
            "componentwise_normalized", 1, 1e-6, 1e-8, whiten_inside=True, whiten_tokens=True
        ),
        "openrlhf": Estimator("group_normalized", 1, 1e-9),
        "dr_grpo": Estimator("mean_baseline"),
        "rloo": Estimator("leave_one_out"),
        "visual_arft": Estimator("group_normalized", 1, 1e-4),
    }
)


def preset(name: str) -> Estimator:
    """The estimator of a trainer. Raises ValueError for an unknown name."""
    if name not in PRESETS:
        raise ValueError(f"preset = {name!r}: expected one of {tuple(PRESETS)}")
    return PRESETS[name]
