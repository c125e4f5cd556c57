"""A log in words: what it says now, what moved, and what to change."""

from collections.abc import Iterator
from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
import pandas as pd

from grpo_checks.experiments.advice.logs.analysis import COMPOSITE, LARGER, Names, estimate
from grpo_checks.experiments.storage.text import counted, counts
from grpo_checks.theory.estimators.response import kappa, response
from grpo_checks.theory.logs.in_advantage import ENOUGH
from grpo_checks.theory.logs.limits import Estimate

CERTAIN = 0.01
"""Level of a drift that is said to be one."""


class Seen(NamedTuple):
    """What sentences are made of: numbers of the latest window, trends of the run."""

    latest: pd.DataFrame
    trends: pd.DataFrame
    names: Names
    weights: np.ndarray
    group_size: int

    def number(self, quantity: str, about: object) -> Estimate:
        """Of the latest window."""
        return estimate(self.latest, quantity, str(about))

    @property
    def rule(self) -> str:
        """Whose advantages are looked at: those that were logged, or GRPO's where none were."""
        return "logged" if (self.latest["quantity"] == "heard_logged").any() else "joint"


def percent(value: Estimate) -> str:
    """A share with its limits."""
    return f"{100 * value.value:.1f} % ({100 * value.low:.1f} to {100 * value.high:.1f})"


def sentences(seen: Seen) -> Iterator[str]:
    """All of them, the most useful first."""
    latest = seen.latest.iloc[0]
    steps = latest[["first_step", "last_step"]]
    yield (
        f"Now, step{'s' * (steps.nunique() > 1)} {counts(steps)}, "
        f"{counted(latest['groups'], 'group')}; "
        "limits at 95 %, valid for a policy that moves, where they are not called approximate:"
    )
    yield from _rate_lines(seen)
    yield from _silent_lines(seen)
    yield from _heard_lines(seen)
    yield from _kappa_lines(seen)
    yield from _length_lines(seen)
    yield from drift_lines(seen)


def _rate_lines(seen: Seen) -> Iterator[str]:
    for name in seen.names.components:
        mean, spread, noise = (seen.number(x, name) for x in ("mean", "spread", "noise"))
        if np.isnan(mean.value):
            yield f"{name}: no reward in these steps."
            continue
        between = np.sqrt(max(spread.value, 0.0))
        yield (
            f"{name}: mean {mean}; prompts differ by an sd of {between:.2g} (at most "
            f"{np.sqrt(spread.high):.2g}) beyond the {np.sqrt(max(noise.value, 0)):.2g} that draws "
            "make of it."
        )


def _silent_lines(seen: Seen) -> Iterator[str]:
    size = seen.group_size
    now = seen.number("silent", size)
    if np.isnan(now.value):
        return
    yield f"Silent groups, all of whose rewards are equal: {percent(now)} at G = {size}."
    smaller = [g for g in (2, 4, 8, 16, 32) if g < size]
    if smaller:
        shares = "; ".join(f"G = {g}: {percent(seen.number('silent', g))}" for g in smaller)
        yield f"In smaller groups, by all subsets of those logged: {shares}."
    larger = "; ".join(
        f"G = {size * k}: {percent(seen.number('silent', size * k))}" for k in LARGER
    )
    yield f"In larger groups, PREDICTED, the range that these leave: {larger}."


def _heard_lines(seen: Seen) -> Iterator[str]:
    if len(seen.names.components) < 2:
        return
    rule, what = seen.rule, "in GRPO's advantages, which are not in the log"
    what = "in the advantages" if rule == "logged" else what
    total = seen.weights.sum()
    yield f"What each component weighs, and how much of it is {what} (approximate limits):"
    for name, weight in zip(seen.names.components, seen.weights, strict=True):
        heard = seen.number(f"heard_{rule}", name)
        share, other = (seen.number(f"share_{x}", name) for x in (rule, "decomposed"))
        if np.isnan(heard.value):
            noise = seen.number("noise", name).value
            why = f"varies in too few groups: no limits below {ENOUGH} that vary"
            why = why if noise > 0 else "does not vary within groups"
            yield f"  {name}: weight {weight / total:.0%}; it {why}."
            continue
        yield (
            f"  {name}: weight {weight / total:.0%}; corr(r, A) {heard}; share of the pull "
            f"{share.value:.0%}, decomposed it would be {other.value:.0%}."
        )


def _kappa_lines(seen: Seen) -> Iterator[str]:
    size = seen.group_size
    if size > 3 and (seen.latest["quantity"] == "response").any():
        hard, even = (float(response(jnp.asarray(p), size, 1, 1e-4)) for p in (0.1, 0.5))
        yield (
            f"Dividing by the standard deviation at G = {size} makes a prompt that is solved (or "
            f"failed) one time in ten weigh {hard / even:.2f} times one that is solved half of the "
            "time, where one reward decides."
        )
    answer = seen.number("kappa", COMPOSITE)
    if np.isnan(answer.value):
        return
    if size <= 3:
        yield f"Decomposing at G = {size} pulls at all components alike: kappa = 1."
        return
    worst = kappa(size)
    yield (
        f"Decomposing (GDPO) pulls at rare and common components harder: kappa of the mean pulls "
        f"{answer}; of one prompt at most {worst:.3g} at G = {size}, so that it gives up at most "
        f"{(worst - 1) / (worst + 1):.0%} of what the components can still change (T2.kappa)."
    )


def _length_lines(seen: Seen) -> Iterator[str]:
    answer = seen.number("length_correlation", COMPOSITE)
    if np.isnan(answer.value):
        return
    if answer.low <= 0 <= answer.high:
        yield f"Length and reward within groups: correlation {answer}, approximate: none is clear."
        return
    longer = "longer" if answer.value > 0 else "shorter"
    meaning = (
        "a loss divided by the length of each episode holds back what is right"
        if answer.value > 0
        else "a loss divided by the length of each episode spares long wrong answers (P.length)"
    )
    yield (
        f"Length and reward within groups: correlation {answer}, approximate: right answers are "
        f"{longer}, and {meaning}."
    )


def drift_lines(seen: Seen) -> Iterator[str]:
    """What moved during the run, by permutation tests with Holm's correction."""
    sure = seen.trends[seen.trends["p_value"] <= CERTAIN]
    if sure.empty:
        yield "Drift: none is clear at level 1 %; estimates of all steps may be read together."
        return
    moved = ", ".join(f"{row.about} by {row.change:+.3g}" for row in sure.itertuples())
    yield (
        f"Drift: over the run {moved} (level {CERTAIN:.0%}, all tests together): read the latest "
        "window, not the mean of the run."
    )


def changes(seen: Seen) -> Iterator[str]:
    """What to change, apart from the group size."""
    size, silent = seen.group_size, seen.number("silent", seen.group_size)
    if silent.low > 0.25:
        yield (
            f"At least {silent.low:.0%} of groups teach nothing: filter them before the update "
            "(DAPO), or draw harder and easier prompts less often."
        )
    elif silent.high < 0.05 and size > 2:
        half = next((g for g in (2, 4, 8, 16, 32) if seen.number("silent", g).high < 0.1), size)
        if half < size:
            yield f"Hardly a group is silent: G = {half} would leave less than 10 % silent."
    for name, weight in zip(seen.names.components, seen.weights / seen.weights.sum(), strict=True):
        share = seen.number(f"share_{seen.rule}", name)
        if not np.isnan(share.value) and share.high < weight / 2:
            yield (
                f"{name} has {weight:.0%} of the weight and {share.value:.0%} of the pull: it "
                "varies little within groups, and a larger weight, not decomposing, changes that."
                if seen.number("share_decomposed", name).value < weight / 2
                else f"{name} has {weight:.0%} of the weight and {share.value:.0%} of the pull: "
                "decomposing would raise it."
            )
