"""What a trainer's own update is worth: its advantages, and its divisor of the whole batch."""

from collections.abc import Iterator, Sequence
from typing import Any

import jax
import numpy as np
import pandas as pd

from grpo_checks.experiments.advice.place import Place, numbers_of, silent_shares
from grpo_checks.experiments.advice.recommended import NO_STEP, best_row
from grpo_checks.theory.batches.rule_law import RuleLaw, rule_law
from grpo_checks.theory.estimators.advantages import Estimator
from grpo_checks.theory.estimators.group_law import group_law
from grpo_checks.theory.evaluation.values import Theta
from grpo_checks.theory.mdp.mdp import TAMDP
from grpo_checks.theory.mdp.policy import Policy
from grpo_checks.theory.rules.aggregation import Aggregation
from grpo_checks.theory.rules.by_length import by_length
from grpo_checks.theory.rules.presets import preset
from grpo_checks.theory.rules.rule import UpdateRule
from grpo_checks.theory.updates.moments import UpdateMoments
from grpo_checks.theory.updates.policy_law import PolicyLaw, policy_law

DEFAULT = "trl"


@jax.jit
def _moments(law: RuleLaw, at: PolicyLaw, policy: Policy, theta: Theta) -> UpdateMoments:
    return law.moments_at(at, law.baseline(policy, theta))


def _simplest(mdp: TAMDP, rule: UpdateRule) -> UpdateRule:
    """The same update, where all episodes have one length, without the divisor of a batch."""
    aggregation = rule.aggregation
    if aggregation.name != "token_mean" or np.unique(by_length(mdp).decisions).size > 1:
        return rule
    return rule._replace(aggregation=Aggregation("sequence_mean", aggregation.length_offset))


def _law(mdp: TAMDP, size: int, rule: UpdateRule, groups: int, room: int) -> RuleLaw:
    """Within a group that of one prompt, with room for all sizes: one compilation serves them all.

    Raises ValueError where sums are too large.
    """
    if not rule.within_group:
        return rule_law(mdp, size, rule, groups)
    try:
        return rule_law(mdp, size, rule, 1, room)
    except ValueError:
        return rule_law(mdp, size, rule, 1)


def trainer_rows(place: Place, name: str, sizes: Sequence[int]) -> Iterator[dict[str, Any]]:
    """Of every group size that makes a whole number of groups."""
    instance, at = place.instance, None
    rule = _simplest(instance.mdp, preset(name).rule)
    for size in place.plan.sizes(sizes, exactly=True):
        groups = int(place.plan.groups(size))
        labels: dict[str, Any] = {"estimator": name, "group_size": size}
        try:
            law = _law(instance.mdp, size, rule, groups, max(sizes))
        except ValueError as error:
            yield {**labels, "note": str(error)}
            continue
        # The sweeps through the model are the same for every size.
        at = policy_law(law.mdp, instance.policy, place.theta) if at is None else at
        episodes = size * groups
        update = _moments(law, at, instance.policy, place.theta)
        if rule.within_group:
            update = update._replace(variance=update.variance / groups)
        numbers = numbers_of(place, update, episodes)
        silent = _silent(place, rule.estimator, size)
        yield {**labels, **numbers, "silent": silent, "episodes": float(episodes), "note": ""}


def _silent(place: Place, estimator: Estimator, size: int) -> float:
    """The share of groups whose advantages are all 0, before any step over the batch.

    Unknown where it is not that of equal rewards.
    """
    if estimator.name in ("greedy_baseline", "pass_at_k"):
        return float("nan")
    mdp, alike = place.instance.mdp, Estimator("leave_one_out")
    if estimator.name == "componentwise_normalized":
        alike = Estimator(estimator.name, estimator.ddof, estimator.eps)
    try:
        shares = silent_shares(place.at.law, group_law(mdp, size, alike))
    except ValueError:
        return float("nan")
    return float(mdp.prompt_distribution @ shares)


def trainer_lines(table: pd.DataFrame, name: str, estimators: Sequence[Estimator]) -> Iterator[str]:
    """What the preset is, and its signal beside the best that the table has."""
    rule, trainer, changed = preset(name)
    settings = f", {changed}" if changed else ""
    described = f"{name} ({trainer}{settings}; {rule.estimator.name}, {rule.aggregation.name})"
    best, other = best_row(table, name), best_row(table, *(e.name for e in estimators))
    if best is None or other is None:
        yield f"{described}: no group size could be computed exactly"
        return
    if not best["signal"] > 0:
        yield f"{described}: {NO_STEP}"
        return
    share = best["signal_per_episode"] / other["signal_per_episode"]
    yield (
        f"{described}: best G = {int(best['group_size'])} with step {best['step']:.3g}, cosine "
        f"{best['cosine']:.4f} with grad J; {share:.1%} of the signal per episode of "
        f"{other['estimator']} with G = {int(other['group_size'])}, the best above"
    )
