"""Assumptions as checks of a model, and what explain and mutants say of a claim."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from helpers.toy_claim import TOY

from grpo_checks.experiments import __main__ as cli
from grpo_checks.experiments.audit.mutants import check
from grpo_checks.experiments.audit.sensitivity import least_lowering
from grpo_checks.experiments.claims.catalogue import CLAIMS, find
from grpo_checks.experiments.claims.decomposition import gap as t2_gap
from grpo_checks.experiments.claims.literature import contrast as literature_contrast
from grpo_checks.experiments.claims.stationarity import curl as t1_curl
from grpo_checks.experiments.models.instances import named
from grpo_checks.experiments.protocol import certificates
from grpo_checks.experiments.protocol.certificates import Case, store_cases
from grpo_checks.experiments.protocol.claim import Row, Scope, judge
from grpo_checks.experiments.runs.judging import rows_of, runs_of, unmet_rows
from grpo_checks.experiments.storage.store import Store
from grpo_checks.figures.__main__ import FIGURES

HELD = Row("toy", "model", {"G": 2}, 0.2, 0.2, 0.2, 0.25, "holds")


@pytest.mark.parametrize(
    ("claim", "spec", "why"),
    [
        (
            t2_gap.CLAIM,
            named("bandit", components=1),
            "binary components: a component has other",
        ),
        (t1_curl.CLAIM, named("conflict", components=1), "2 distinct composites"),
        (find("L.amplification"), named("coding", components=2), "L.tools"),
        (find("T1.slope"), named("bandit", components=1), "on `conflict` only"),
        (find("T1.budget"), named("bandit", components=1), "one prompt"),
        (find("T3.shift"), named("bandit", components=1), "decided without a model"),
    ],
)
def test_assumptions_are_checked_on_the_model(claim, spec, why):
    """No runs, no cells, one row that says which and why; none on a model that meets them."""
    scope = Scope("quick", spec)
    assert runs_of(claim, scope) == []
    (row,) = rows_of(claim, scope, {})
    assert (row.verdict, row.observed) == ("assumption unmet", None)
    assert why in row.note
    assert not unmet_rows(claim, Scope("quick"))


def test_met_assumptions_let_a_claim_through():
    """The same predicates on models that meet them."""
    for claim, spec in (
        (t2_gap.CLAIM, named("conflict", components=1)),
        (t1_curl.CLAIM, named("bandit", components=1)),
        (literature_contrast.CLAIM, named("conflict", components=1)),
        (find("T1.slope"), named("conflict", components=1)),
    ):
        assert not unmet_rows(claim, Scope("quick", spec))


def test_every_claim_says_what_it_rests_on():
    """Assumptions with text, a proof that can be read, figures that are drawn, of its own rows."""
    for claim in CLAIMS:
        assert claim.assumptions
        assert all(a.text for a in claim.assumptions)
        assert claim.proof
        assert set(claim.figures) <= set(FIGURES)
    for name, (owner, _) in FIGURES.items():
        # Advice, logs, the cost of the suite and a trainer in use are no claims.
        known = ("advice", "log", "cost", "conformance")
        assert owner in known or name in find(owner).figures


@pytest.mark.parametrize("name", ["T2.bridge'", "T3.klorder", "T2.gap", "L.groups"])
def test_explain(name, capsys):
    """Statement, assumptions with where they are checked, proof, verdict, mutants."""
    assert cli.main(["explain", name]) == 0
    printed, claim = capsys.readouterr().out, find(name)
    parts = [claim.statement, *(a.text for a in claim.assumptions), *claim.mutants, *claim.figures]
    assert all(part in printed for part in parts)
    assert f"checked (paper profile): {claim.expected}" in printed
    assert f"proof ({claim.proof[0]})" in printed


def _bisected(row, steps=60):
    """The least share by which the judge lets a bound be lowered before it refutes."""
    low, high = 0.0, 2.0
    for _ in range(steps):
        middle = (low + high) / 2
        bound = row.bound - middle * abs(row.bound)
        refuted = judge(row.upper, row.lower, bound) == "refuted"
        low, high = (low, middle) if refuted else (middle, high)
    return high


@pytest.mark.parametrize("bound", [0.25, -0.45])
def test_smallest_change_in_closed_form_and_by_bisection(bound):
    """On the judge itself, for bounds of either sign; the smallest over the rows."""
    rng = np.random.default_rng(3)
    rows = []
    for width in rng.uniform(0.01, 0.1, 5):
        middle = bound - width - rng.uniform(0.0, 0.1)
        rows.append(Row("toy", "m", {}, middle, middle - width, middle + width, bound, "holds"))
    lowering = least_lowering(pd.DataFrame([row.flat() for row in rows]))
    assert lowering is not None
    assert lowering.share == pytest.approx(min(map(_bisected, rows)), abs=1e-9)


@pytest.mark.parametrize(
    ("observed", "bound", "rounding", "text"),
    [
        (0.5, 0.5, 1e-13, "an equality, to 1e-13"),
        (1e-30, 1e-30, 1e-42, "an equality, to 1e-42"),
        (0.0, 0.0, 1e-13, "an equality, to 1e-13"),
        (0.5, 0.5, None, "any"),
        (0.25, 0.5, 1e-13, "50.00%"),
        (0.5, 0.5 + 5e-8, 1e-13, "1.0e-05%"),
        (-0.25, 0.0, None, "0.25 (bound 0)"),
    ],
)
def test_smallest_change_in_words(observed, bound, rounding, text):
    """Nothing below the rounding error is seen, and that is the cell's own."""
    row = Row("toy", "m", {}, observed, observed, observed, bound, "holds", rounding=rounding)
    assert str(least_lowering(pd.DataFrame([row.flat()]))) == text


def test_mutants_are_caught_by_the_cheapest_check(tmp_path, monkeypatch):
    """A stored case where there is one; a mutant that nothing refutes is not caught."""
    monkeypatch.setattr(certificates.certified_rows, "__defaults__", (tmp_path,))
    store_cases(TOY, [Case("half", {"p": "1/2"}, "lower")], tmp_path)
    worst = check(TOY, "lower", Store(tmp_path / "cells"))
    assert (worst["verdict"], worst["caught by"]) == ("refuted", "certified case")
    assert (worst["false on"], worst["beaten by"]) == ("case half", "1.042 times the bound")
    missed = replace(TOY, mutants={"none": "the claim itself"}, rows=lambda scope, results: [HELD])
    assert check(missed, "none", Store(tmp_path / "cells"))["verdict"] == "not caught"


def test_mutants_command(tmp_path):
    """A table of mutants and one of smallest changes; the status says whether one was missed."""
    out = ["--out", str(tmp_path / "m.csv"), "--runs", str(tmp_path / "cells")]
    status = cli.main(["mutants", "--claim", "T2.identity", *out])
    table = pd.read_csv(tmp_path / "m.csv")
    assert status == (0 if (table["verdict"] == "refuted").all() else 1)
    assert set(table["mutant"]) == set(find("T2.identity").mutants)
    assert pd.read_csv(tmp_path / "m_smallest.csv")["smallest change seen"].notna().all()
