"""Which facts the parts of the template take, and from which rows and tables."""

from collections.abc import Iterable, Mapping
from typing import Any

import pandas as pd

from grpo_checks.experiments.claims.catalogue import CLAIMS
from grpo_checks.experiments.ledger.facts import overview, survey, theorems, verifier
from grpo_checks.experiments.ledger.facts.answers import theorem1, theorem2, theorem3, trainer
from grpo_checks.experiments.ledger.template import filled
from grpo_checks.experiments.protocol.claim import Claim, Part
from grpo_checks.experiments.runs.words import outcome

TABLES = ("rows", "cases", "verdicts")
ANSWER1 = ("T1.rate", "T1.surrogate", "T1.own", "survey")
ANSWER2 = (
    *(f"T2.{name}" for name in ("identity", "potential", "kappa", "zero", "global")),
    *("T2.benefit", "T1.curl", "cases"),
)
ANSWER3 = ("T3.coverage", "T3.tightness", "T3.ood", "T3.shift", "T3.visual_arft")
OF_NO_CLAIM: Mapping[str, Part] = {
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
    "T1.own, how common": Part(survey.survey, ("survey",)),
    "T1.own, what stops it": Part(survey.stops, ("stops",)),
    "Theorem 2, the answer": Part(theorem2.answer, ANSWER2),
    "Theorem 2 in detail": Part(lambda data: {}, ("T2.kappa",)),
    "Theorem 2": Part(theorems.decomposition, ("T2.kappa", "T2.benefit", *TABLES)),
    "Theorem 3, the answer": Part(theorem3.in_short, ANSWER3),
    "Theorem 3 in detail": Part(lambda data: {}, ("T3.coverage",)),
    "Theorem 3": Part(
        theorems.generalization, ("T3.coverage", "T3.shift", "T3.visual_arft", *TABLES)
    ),
    "results of other papers": Part(lambda data: {}, ("L.amplification",)),
    "claims that people act on": Part(lambda data: {}, ("P.kl",)),
    "figures": Part(overview.figures, ("captions",)),
    "verifier in short": Part(verifier.in_short, ("cases", "mutants", "smallest", "points")),
    "evidence": Part(verifier.evidence, ("verdicts", "rows")),
    "cases": Part(verifier.cases, ("cases",)),
    "falsifier": Part(verifier.falsifier, ("points",)),
    "mutants": Part(verifier.mutants_facts, ("mutants", "smallest")),
    "power": Part(verifier.power, ("rows", "cases", "points")),
    "alarms": Part(verifier.alarms, ("alarms",)),
}
"""Of several, or of tables that are no claim's."""


def of_claims(claims: Iterable[Claim]) -> dict[str, Part]:
    """What each says itself, of its own rows where it does not say of what.

    Raises ValueError for a part that is not of one claim.
    """
    parts: dict[str, Part] = {}
    for claim in claims:
        for name, facts in claim.facts.items():
            if name in {*parts, *OF_NO_CLAIM}:
                raise ValueError(f"{claim.name}: facts = {name!r}: expected a part of no other")
            parts[name] = facts if isinstance(facts, Part) else Part(facts, (claim.name,))
    return parts


PARTS: dict[str, Part] = {**OF_NO_CLAIM, **of_claims(CLAIMS)}


def by_claim(rows: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """The rows of each claim."""
    return {str(name): data for name, data in rows.groupby("claim")}


def filled_part(
    name: str, text: str, inputs: Mapping[str, Any], parts: Mapping[str, Part] = PARTS
) -> str:
    """One part, filled; empty where an input is missing or there is nothing to say.

    A part of no facts has no fields. ``{outcome}`` is the verdict of the rows that come first, as a
    verb. Raises ValueError where facts and fields differ, and for tables without a column that is
    needed, as those of an older version.
    """
    if name not in parts:
        return filled(name, text, {})
    part = parts[name]
    if not inputs.keys() >= {*part.inputs}:
        return ""
    taken = [inputs[key] for key in part.inputs]
    try:
        facts = part.facts(*taken)
    except KeyError as error:
        raise ValueError(f"{name}: {error}: not in these tables: run make paper") from error
    if facts is None:
        return ""
    verb = {"outcome": outcome(taken[0])} if "{outcome}" in text else {}
    return filled(name, text, verb | facts)
