"""The updates that trainers make, by name: advantages and loss aggregation, library and version.

A decision of the model is one token, and the answer that ends an episode is its last: where a
trainer counts an end-of-text token besides, the aggregation has a ``length_offset`` of 1. Outside
a preset, since no mean of one batch's gradient has them: Adam, clipping of the gradient's norm,
bf16, and ratios and clipping beyond the first step on a batch. KL penalties, entropy bonuses and
prices of length add to it (``theory.regularisation``).

Advantages are checked against those computed by the trainers' own code
(tests/data/grpo_advantages.json): TRL 1.16, verl 0.9, OpenRLHF 0.11, the trainers of GDPO
(arXiv:2601.05242) and Visual-ARFT (arXiv:2505.14246); the weights of tokens against TRL's losses
(tests/data/grpo_losses.json). Those of opo, gpg, remax, passk and maxrl are checked against their
definitions there: verl's ``compute_*_outcome_advantage`` and MaxRL's ``p_normalization``.
"""

from collections.abc import Mapping
from difflib import get_close_matches
from types import MappingProxyType
from typing import NamedTuple

from grpo_checks.theory.estimators.advantages import Estimator
from grpo_checks.theory.rules.aggregation import EPISODE_SUM, Aggregation
from grpo_checks.theory.rules.rule import UpdateRule

CONSTANT, SEQUENCE_MEAN, TOKEN_MEAN = (
    Aggregation(name) for name in ("constant", "sequence_mean", "token_mean")
)


class Preset(NamedTuple):
    """What a trainer does, and under which settings."""

    rule: UpdateRule
    trainer: str
    """Library and version, or paper."""
    settings: str
    """What differs from its defaults; empty where nothing does."""


def _trl(settings: str, estimator: Estimator, aggregation: Aggregation) -> Preset:
    return Preset(UpdateRule(estimator, aggregation), "TRL 1.16", settings)


def _verl(settings: str, estimator: Estimator, aggregation: Aggregation = TOKEN_MEAN) -> Preset:
    return Preset(UpdateRule(estimator, aggregation), "verl 0.9", settings)


_TRL = Estimator("group_normalized", 1, 1e-4)
_TRL_GDPO = Estimator("componentwise_normalized", 1, 1e-4, whiten=1e-4)
_TRL_BNPO = Aggregation("micro_token_mean", micro_batch=8)
_VERL = Estimator("group_normalized", 1, 1e-6)
_VERL_GDPO = Estimator(
    "componentwise_normalized", 1, 1e-6, 1e-8, whiten_inside=True, whiten_tokens=True
)
_REINFORCE = Estimator("mean_baseline", 1, 0.0, 1e-8, whiten_inside=True, whiten_tokens=True)
_OPENRLHF = UpdateRule(Estimator("group_normalized", 1, 1e-9), TOKEN_MEAN)
# Divided by the root of the variance over tokens, or of 1e-8 where that is larger.
_WHITENED = Estimator("mean_baseline", 0, 0.0, 0.0, whiten_inside=True, whiten_tokens=True)

PRESETS: Mapping[str, Preset] = MappingProxyType(
    {
        "trl": _trl("", _TRL, TOKEN_MEAN),
        # Where the batch is one micro-batch, a token mean.
        "trl-bnpo": _trl('loss_type="bnpo", micro-batches of 8, its default', _TRL, _TRL_BNPO),
        "trl-grpo": _trl('loss_type="grpo"', _TRL, SEQUENCE_MEAN),
        "trl-dr_grpo": _trl('loss_type="dr_grpo"', _TRL, CONSTANT),
        "trl-luspo": _trl('loss_type="luspo"', _TRL, EPISODE_SUM),
        "trl-batch": _trl(
            'scale_rewards="batch", loss_type="luspo"', Estimator("batch_scaled", 1, 1e-4),
            EPISODE_SUM,
        ),
        "trl-gdpo": _trl(
            'multi_objective_aggregation="normalize_then_sum"', _TRL_GDPO, TOKEN_MEAN
        ),
        "verl": _verl("adv_estimator=grpo", _VERL),
        "verl-seq-mean": _verl(
            "adv_estimator=grpo, loss_agg_mode=seq-mean-token-mean", _VERL, SEQUENCE_MEAN
        ),
        "verl-gdpo": _verl("GDPO", _VERL_GDPO),
        "verl-opo": _verl("adv_estimator=opo", Estimator("length_weighted")),
        "verl-gpg": _verl(
            "adv_estimator=gpg, policy_loss.loss_mode=gpg", Estimator("nonzero_scaled")
        ),
        "verl-remax": _verl("adv_estimator=remax", Estimator("greedy_baseline")),
        "verl-passk": _verl("adv_estimator=grpo_passk", Estimator("pass_at_k", 1, 1e-6)),
        "verl-reinforce++-baseline": _verl(
            "adv_estimator=reinforce_plus_plus_baseline", _REINFORCE
        ),
        "openrlhf": Preset(_OPENRLHF, "OpenRLHF 0.11", "advantage_estimator=group_norm"),
        "openrlhf-reinforce_baseline": Preset(
            UpdateRule(_WHITENED, TOKEN_MEAN), "OpenRLHF 0.11",
            "advantage_estimator=reinforce_baseline",
        ),
        "tunix": Preset(UpdateRule(_VERL, SEQUENCE_MEAN), "Tunix 0.1.7", "beta=0"),
        "torchrl": Preset(
            UpdateRule(Estimator("group_normalized", 1), TOKEN_MEAN), "torchrl 0.14.1",
            'trajectory_return="sum", entropy_bonus=False',
        ),
        "dr_grpo": Preset(
            UpdateRule(Estimator("mean_baseline"), CONSTANT), "arXiv:2503.20783", ""
        ),
        "rloo": Preset(UpdateRule(Estimator("leave_one_out")), "arXiv:2402.14740", ""),
        "maxrl": Preset(
            UpdateRule(Estimator("mean_normalized", 0, 1e-6), TOKEN_MEAN),
            "arXiv:2602.02710", "adv_estimator=p_normalization in a fork of verl",
        ),
        "visual_arft": Preset(UpdateRule(_TRL, SEQUENCE_MEAN), "arXiv:2505.14246", ""),
    }
)  # fmt: skip

UNCONFIRMED: Mapping[str, str] = MappingProxyType(
    {
        "trl-bnpo": "shuffled micro-batches; where the batch is one, TRL's code confirms the rule",
        "verl-remax": "needs a greedy rollout; its advantages are checked against their definition",
        "maxrl": "a fork of verl that is no package; checked against its definition",
        "visual_arft": "advantages are those of its code; its trainer, a script, was not run",
    }
)
"""Presets whose updates no trainer's own code has made on a model here, and why; those of the
others are stored in results/conformance."""


def preset(name: str) -> Preset:
    """The update of a trainer. Raises ValueError for an unknown name."""
    if name not in PRESETS:
        # "grpo" is part of rules that differ: none of them is nearer than the others.
        ambiguous = any(name in known for known in PRESETS)
        near = [] if ambiguous else get_close_matches(name, PRESETS, n=1)
        meant = f"did you mean {near[0]!r}? " if near else ""
        raise ValueError(f"preset = {name!r}: {meant}expected one of {tuple(PRESETS)}")
    return PRESETS[name]
