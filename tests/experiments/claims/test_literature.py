"""Claims of other papers: verdicts, mutants on named instances, assumptions."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from helpers.quick_rows import quick_rows

from grpo_checks.experiments.claims.catalogue import CLAIMS
from grpo_checks.experiments.claims.literature import amplification as literature_amplification
from grpo_checks.experiments.claims.literature import contrast as literature_contrast
from grpo_checks.experiments.claims.literature import convergence as literature_convergence
from grpo_checks.experiments.claims.literature import groups as literature_groups
from grpo_checks.experiments.claims.literature import hessian as literature_hessian
from grpo_checks.experiments.claims.literature import mse as literature_mse
from grpo_checks.experiments.claims.literature.correlation import law as correlation_law
from grpo_checks.experiments.claims.literature.correlation import limit as correlation_limit
from grpo_checks.experiments.claims.literature.correlation import pairs as correlation_pairs
from grpo_checks.experiments.ledger.ledger import sections
from grpo_checks.experiments.ledger.parts import by_claim
from grpo_checks.experiments.models.building.argument import from_argument
from grpo_checks.experiments.models.instances import InstanceSpec, named
from grpo_checks.experiments.protocol import assumptions
from grpo_checks.experiments.protocol.claim import Scope, overall
from grpo_checks.experiments.runs.judging import rows_of

DATA = Path(__file__).parents[2] / "data"
LITERATURE = [c for c in CLAIMS if c.name.startswith("L.")]
BITS = named("bits", components=2, success=(0.5, 0.9, 0.5, 0.5, 0.5, 0.5))
INTERIOR = named("conflict", components=1, start=-0.5)
CODING = named("coding", components=3)
# Each mutant, and an instance on which it is false.
FALSE_ON = {
    ("L.amplification", "variance"): INTERIOR,
    ("L.amplification", "from the last policy"): INTERIOR,
    ("L.tools", "reached"): CODING,
    ("L.contrast", "p for p(1-p)"): INTERIOR,
    ("L.hessian", "half"): INTERIOR,
    ("L.hessian", "variance"): INTERIOR,
    ("L.hessian", "one norm"): from_argument(str(DATA / "three_answers.json")),
    ("L.mse", "no remainder"): INTERIOR,
    ("L.correlation", "variances"): BITS,
    ("L.correlation.law", "no groups"): BITS,
    ("L.groups", "lossless"): None,
}


def _rows(claim, spec=None, mutant=None):
    if spec is mutant is None:
        return quick_rows(claim.name)
    return claim.rows(Scope("quick", spec, mutant), {})


@pytest.mark.parametrize("claim", LITERATURE, ids=lambda c: c.name)
def test_verdicts_are_as_expected(claim):
    """On the instances of the quick profile; no NaN where a number belongs."""
    rows = _rows(claim)
    assert overall([row.verdict for row in rows]) == claim.expected
    for row in rows:
        numbers = [row.observed, row.lower, row.upper, row.bound]
        assert numbers == [None] * 4 or all(np.isfinite(x) for x in numbers)
        assert all(type(x) is not np.float64 for x in row.extra.values())


def test_every_mutant_has_its_instance():
    """None is forgotten."""
    assert set(FALSE_ON) == {(c.name, m) for c in LITERATURE for m in c.mutants}


@pytest.mark.parametrize(("name", "mutant"), FALSE_ON)
def test_mutants_are_refuted(name, mutant):
    """False where it is named, and only there is the true claim not refuted."""
    (claim,) = (c for c in LITERATURE if c.name == name)
    spec = FALSE_ON[name, mutant]
    assert overall([row.verdict for row in _rows(claim, spec, mutant)]) == "refuted"
    assert overall([row.verdict for row in _rows(claim, spec)]) == "holds"


OUTSIDE = [literature_convergence.CLAIM, literature_groups.CLAIM, correlation_pairs.CLAIM]


@pytest.mark.parametrize("claim", OUTSIDE, ids=lambda c: c.name)
def test_claims_about_no_model(claim):
    """Say nothing of an instance, and say so."""
    (row,) = _rows(claim, INTERIOR)
    assert (row.verdict, row.observed) == ("assumption unmet", None)
    assert "whatever the model" in row.note


@pytest.mark.parametrize(
    ("claim", "spec", "why"),
    [
        (correlation_limit.CLAIM, CODING, "correlated"),
        (correlation_law.CLAIM, named("conflict", components=2), "correlated"),
        (literature_amplification.CLAIM, CODING, "L.tools"),
    ],
)
def test_unmet_assumptions(claim, spec, why):
    """The reason is told."""
    rows = _rows(claim, spec)
    assert {row.verdict for row in rows} == {"assumption unmet"}
    assert all(why in row.note for row in rows)


def test_rare_successes_need_larger_groups():
    """Far from the limit the proven distance from it is no better than a trivial one."""
    rare = named("bits", components=2, success=(0.5, 0.999, 0.5, 0.5, 0.5, 0.5))
    rows = [r for r in _rows(correlation_limit.CLAIM, rare) if "group_size" in r.parameters]
    verdicts = {r.parameters["estimator"]: set() for r in rows}
    for row in rows:
        verdicts[row.parameters["estimator"]].add(row.verdict)
    assert verdicts == {
        "group_normalized": {"holds"},
        "componentwise_normalized": {"holds", "vacuous"},
    }


@pytest.mark.parametrize("change", [lambda g: 1 / 2, lambda g: 1 / g], ids=["half", "1/G^2"])
def test_a_false_rate_is_refuted(change, monkeypatch):
    """Half of the proven distance from the limit, or one that falls faster; not the true one."""
    right = correlation_limit.joint_distance
    false = lambda law, vectors, composite, g: right(law, vectors, composite, g) * change(g)  # noqa: E731
    scope = Scope("quick")
    for distance, verdict in ((right, "holds"), (false, "refuted")):
        monkeypatch.setattr(correlation_limit, "joint_distance", distance)
        rows = correlation_limit.rows(scope, {})
        assert overall([row.verdict for row in rows]) == verdict
        beyond = [row.parameters for row in rows if row.verdict == "refuted"]
        assert all(p["estimator"] == "group_normalized" and "group_size" in p for p in beyond)


def test_models_too_large_to_list(monkeypatch):
    """A row that says how many episodes there are, not a crash."""
    spec = InstanceSpec("conflict", (("components", 1), ("start", -0.25)))
    monkeypatch.setattr(assumptions, "obstacle", lambda *a: "episodes = 10")
    for claim in (literature_contrast.CLAIM, literature_hessian.CLAIM, literature_mse.CLAIM):
        (row,) = rows_of(claim, Scope("quick", spec), {})
        assert row.verdict == "assumption unmet"
        assert row.note.endswith("which are listed: episodes = 10")


def test_a_loose_bound_on_the_hessian_is_vacuous(monkeypatch):
    """Where it is no better than what holds for every policy; spectral norms only."""
    monkeypatch.setattr(literature_hessian, "_trivial", lambda spec: 0.01)
    rows = _rows(literature_hessian.CLAIM, INTERIOR)
    verdicts = {row.parameters["norm"]: row.verdict for row in rows}
    assert verdicts == {"spectral": "vacuous", "Frobenius": "holds"}


def test_ledger_section_follows_the_rows():
    """Generated, and another number gives another page; nothing without rows."""
    flat = [row.flat() for claim in LITERATURE for row in _rows(claim)]
    table = pd.DataFrame(flat)
    text = sections(by_claim(table), "L.")
    assert all(f"**{claim.name}" in text for claim in LITERATURE)
    changed = table.assign(observed=table["observed"] * 1.01)
    assert sections(by_claim(changed), "L.") != text
    assert "Results of other papers" in sections(by_claim(table))
    nothing = by_claim(table[table["claim"] == "T1.rate"])
    assert sections(nothing, "L.") == ""
    assert "Results of other papers" not in sections(nothing)
