"""What was identified, in words."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from grpo_checks.theory.estimators.advantages import Estimator
from grpo_checks.theory.identification.rules import Identification, RuleFit, known
from grpo_checks.theory.rules.presets import PRESETS
from grpo_checks.theory.rules.rule import UpdateRule

NONE = "none"
SHOWN = 6
"""Rules that are listed."""


def name(rule: RuleFit) -> str:
    """A rule with its options, by the suite's names."""
    aggregation = rule.aggregation
    loss = "" if aggregation is None else f", {aggregation.name}"
    if aggregation is not None and aggregation.length_offset:
        loss += " with an end-of-text token"
    scale = "" if rule.scale == 1 else f", times {rule.scale:.6g}"
    return f"{_advantage(rule.estimator, rule)}{loss}{scale}"


def _eps(rule: RuleFit, field: str, value: float) -> str:
    """One constant; where several known ones are left, the range."""
    low, high = rule.ranges.get(field, (value, value))
    return f"{low:.3g} to {high:.3g}" if len(known((low, high))) > 1 else f"{value:.3g}"


def _advantage(estimator: Estimator, rule: RuleFit) -> str:
    options = []
    if estimator.name in ("group_normalized", "componentwise_normalized", "batch_scaled",
                          "pass_at_k"):  # fmt: skip
        options += [f"ddof {estimator.ddof}", f"eps {_eps(rule, 'eps', estimator.eps)}"]
    if estimator.name == "mean_normalized":
        options.append(f"eps {_eps(rule, 'eps', estimator.eps)}")
    if estimator.whiten is not None:
        over = "tokens" if estimator.whiten_tokens else "episodes"
        place = "inside" if estimator.whiten_inside else "outside"
        eps = f"{_eps(rule, 'whiten', estimator.whiten)} {place} the root"
        options.append(f"whitened over {over} (ddof {estimator.ddof}, {eps})")
    return f"{estimator.name} ({', '.join(options)})" if options else estimator.name


def presets(rule: RuleFit) -> list[str]:
    """Names of the presets that a rule may be: eps in its range, all else equal."""
    return [label for label, p in PRESETS.items() if rule.scale == 1 and _is(rule, p.rule)]


def _is(rule: RuleFit, other: UpdateRule) -> bool:
    estimator, aggregation = other
    if rule.aggregation is not None and rule.aggregation != aggregation:
        return False
    same = all(
        getattr(rule.estimator, field) == getattr(estimator, field)
        for field in ("name", "ddof", "whiten_inside", "whiten_tokens")
    )
    return same and all(
        _within(getattr(estimator, field), rule, field) for field in ("eps", "whiten")
    )


def _within(value: float | None, rule: RuleFit, field: str) -> bool:
    if field not in rule.ranges or value is None:
        return value == getattr(rule.estimator, field)
    low, high = rule.ranges[field]
    return low * (1 - 1e-3) <= value <= high * (1 + 1e-3)


def row(answer: Identification) -> dict[str, Any]:
    """Of a table: the rule that is named first, and how many explain the data as well."""
    rule = answer.nearest
    low, high = rule.ranges.get("eps", rule.ranges.get("whiten", (np.nan, np.nan)))
    return {
        "identified": name(rule) if answer.rules else NONE,
        "nearest": name(rule), "usual_rules": len(answer.usual), "rules": len(answer.rules),
        "eps_low": low, "eps_high": high, "unexplained": rule.unexplained, "excess": rule.excess,
        "presets": " ".join(presets(rule)),
    }  # fmt: skip


def sentences(answer: Identification) -> Iterator[str]:
    """Rules that explain the data, or the nearest and what it leaves."""
    if not answer.rules:
        rule = answer.nearest
        yield f"none of the suite's rules: the nearest is {name(rule)}"
        yield (
            f"  it leaves {rule.unexplained:.2g} of the data unexplained, an error of "
            f"{rule.error:.2g} at most, {rule.excess:.2g} times what rounding may do"
        )
        return
    rules = answer.usual or answer.rules
    yield name(rules[0]) + (
        "" if answer.usual else ", with a constant that no trainer is known for"
    )
    yield from _details(rules[0])
    if len(rules) > 1:
        yield f"  cannot be told from {len(rules) - 1} more:"
        yield from (f"    {name(rule)}" for rule in rules[1:SHOWN])
        if len(rules) > SHOWN:
            yield f"    and {len(rules) - SHOWN} more"
    if unusual := len(answer.rules) - len(answer.usual):
        many = "rules explain" if unusual > 1 else "rule explains"
        yield f"  {unusual} more {many} the data with constants that no trainer is known for"


def _details(rule: RuleFit) -> Iterator[str]:
    for field, (low, high) in rule.ranges.items():
        constants = [f"{x:.3g}" for x in known((low, high))]
        among = f"; trainers use {', '.join(constants)}" if constants else ""
        yield f"  {field} from {low:.3g} to {high:.3g}{among if field != 'scale' else ''}"
    yield f"  largest error {rule.excess:.2g} of what rounding may do"
    if labels := presets(rule):
        yield f"  presets: {', '.join(labels)}"
