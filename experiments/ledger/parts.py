"""Which facts the parts of the template take, and from which rows and tables."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import pandas as pd

from grpo_checks.experiments.ledger.facts import (
    amplification,
    benefit,
    bias,
    decomposition,
    generalization,
    literature,
    stationarity,
    transfer,
    variance,
    verifier,
    visual_arft,
)
from grpo_checks.experiments.ledger.facts.answers import theorem1, theorem2, theorem3, trainer
from grpo_checks.experiments.ledger.facts.cycles import orbits, survey
from grpo_checks.experiments.ledger.facts.summary import overview, theorems
from grpo_checks.experiments.ledger.template import filled
from grpo_checks.experiments.ledger.words import Facts


class Part(NamedTuple):
    """Of the template, with its name there."""

    facts: Callable[..., Facts | None]
    """None where there is nothing to say."""
    inputs: tuple[str, ...] = ()
    """Claims, whose rows, and tables that are the arguments of ``facts``: the one of the part's
    name where none is listed."""


TABLES = ("rows", "cases", "verdicts")
ANSWER1 = ("T1.rate", "T1.surrogate", "T1.own", "survey")
ANSWER2 = (
    *(f"T2.{name}" for name in ("identity", "potential", "kappa", "zero", "global")),
    *("T2.benefit", "T1.curl", "cases"),
)
ANSWER3 = ("T3.coverage", "T3.tightness", "T3.ood", "T3.shift", "T3.visual_arft")
PARTS: dict[str, Part] = {
    "Theorem 1, in short": Part(theorem1.in_short, ANSWER1),
    "a trainer in short": Part(trainer.in_short, ("trainer",)),
    "Theorem 1, in short, how loose": Part(theorem1.for_you, ("T1.rate.sharp", *ANSWER1)),
    "Theorem 2, in short": Part(theorem2.in_short, ANSWER2),
    "Theorem 3, in short": Part(theorem3.in_short, ANSWER3),
    "top": Part(overview.top, ("verdicts", "rows", "cases", "points")),
    "surprises": Part(overview.surprises, ("verdicts",)),
    "conditions": Part(overview.conditions, ("provenance",)),
    "Theorem 1, the answer": Part(theorem1.answer, ANSWER1),
    "a trainer in use": Part(trainer.trainer, ("trainer",)),
    "Theorem 1 in detail": Part(lambda data: {}, ("T1.rate",)),
    "Theorem 1": Part(
        theorems.stationarity, ("T1.rate", "T1.slope", "T1.budget", "T1.floor", *TABLES)
    ),
    "T1.rate": Part(stationarity.rate),
    "T1.rate, exponents": Part(stationarity.exponents, ("T1.rate",)),
    "T1.rate.sharp": Part(stationarity.sharp_rate),
    "T1.path": Part(stationarity.path),
    "T1.descent": Part(stationarity.descent),
    "T1.slope": Part(stationarity.slope),
    "T1.G": Part(variance.group_size),
    "T1.K": Part(variance.components),
    "T1.budget": Part(variance.budget),
    "T1.bias": Part(bias.bias),
    "T1.floor": Part(bias.floor),
    "T1.curl": Part(bias.curl),
    "T1.surrogate": Part(bias.surrogate),
    "T1.own": Part(orbits.cycles, ("T1.own", "T1.cycle")),
    "T1.own.binary": Part(orbits.binary),
    "T1.own, how common": Part(survey.survey, ("survey",)),
    "T1.own, what stops it": Part(survey.stops, ("stops",)),
    "Theorem 2, the answer": Part(theorem2.answer, ANSWER2),
    "Theorem 2 in detail": Part(lambda data: {}, ("T2.kappa",)),
    "Theorem 2": Part(theorems.decomposition, ("T2.kappa", "T2.benefit", *TABLES)),
    "T2.identity": Part(decomposition.identity),
    "T2.bridge'": Part(decomposition.bridge),
    "T2.bridge.sd": Part(decomposition.spread, ("T2.bridge.sd", "T2.bridge'")),
    "T2.potential": Part(decomposition.potential),
    "T2.gap": Part(decomposition.gap, ("T2.gap", "T2.kappa")),
    "T2.kappa": Part(decomposition.kappa),
    "T2.kappa, by K": Part(decomposition.kappa_by_components, ("T2.kappa",)),
    "T2.zero": Part(decomposition.zero, ("T2.zero", "T2.kappa")),
    "T2.global": Part(decomposition.global_maximum),
    "T2.shared": Part(decomposition.shared, ("cases",)),
    "T2.benefit": Part(benefit.benefit),
    "T2.benefit, what to use": Part(benefit.rules, ("T2.benefit",)),
    "Theorem 3, the answer": Part(theorem3.in_short, ANSWER3),
    "Theorem 3 in detail": Part(lambda data: {}, ("T3.coverage",)),
    "Theorem 3": Part(
        theorems.generalization, ("T3.coverage", "T3.shift", "T3.visual_arft", *TABLES)
    ),
    "T3.coverage": Part(generalization.coverage),
    "T3.coverage, sampled": Part(generalization.sampled, ("T3.coverage",)),
    "T3.price": Part(generalization.price, ("T3.coverage",)),
    "T3.tightness": Part(generalization.tightness),
    "T3.tightness, bets": Part(generalization.bets, ("T3.tightness",)),
    "T3.ood": Part(transfer.ood),
    "T3.depth": Part(transfer.depth),
    "T3.shift": Part(transfer.shift),
    "T3.visual_arft": Part(visual_arft.visual_arft),
    "results of other papers": Part(lambda data: {}, ("L.amplification",)),
    "L.amplification": Part(amplification.amplification),
    "L.tools": Part(amplification.tools),
    "L.convergence": Part(amplification.convergence),
    "L.contrast": Part(literature.contrast),
    "L.hessian": Part(literature.hessian),
    "L.mse": Part(literature.mse),
    "L.baseline": Part(literature.baseline),
    "L.correlation": Part(literature.correlation),
    "L.correlation.law": Part(literature.correlation_law),
    "L.correlation.G": Part(literature.correlation_pairs),
    "L.groups": Part(literature.groups),
    "claims that people act on": Part(lambda data: {}, ("P.kl",)),
    "P.kl": Part(literature.kl),
    "figures": Part(overview.figures, ("captions",)),
    "verifier in short": Part(verifier.in_short, ("cases", "mutants", "smallest", "points")),
    "evidence": Part(verifier.evidence, ("verdicts", "rows")),
    "cases": Part(verifier.cases),
    "falsifier": Part(verifier.falsifier, ("points",)),
    "mutants": Part(verifier.mutants_facts, ("mutants", "smallest")),
    "power": Part(verifier.power, ("rows", "cases", "points")),
    "alarms": Part(verifier.alarms),
}


def by_claim(rows: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """The rows of each claim."""
    return {str(name): data for name, data in rows.groupby("claim")}


def filled_part(name: str, text: str, inputs: Mapping[str, Any]) -> str:
    """One part, filled; empty where an input is missing or there is nothing to say.

    A part that is not listed here has no fields. Raises ValueError where facts and fields differ,
    and for tables without a column that is needed, as those of an older version.
    """
    if name not in PARTS:
        return filled(name, text, {})
    part = PARTS[name]
    needed = part.inputs or (name,)
    if not inputs.keys() >= {*needed}:
        return ""
    try:
        facts = part.facts(*(inputs[key] for key in needed))
    except KeyError as error:
        raise ValueError(f"{name}: {error}: not in these tables: run make paper") from error
    return "" if facts is None else filled(name, text, facts)
