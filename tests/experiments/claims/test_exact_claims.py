"""T1.G and T1.budget: V by listing groups, its formulas, and how they could have come out."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from grpo_checks.experiments.claims.stationarity import budget as t1_budget
from grpo_checks.experiments.claims.stationarity import group_size as t1_g
from grpo_checks.experiments.claims.stationarity import listed_variance
from grpo_checks.experiments.models.building.argument import from_argument
from grpo_checks.experiments.models.instances import named
from grpo_checks.experiments.protocol.claim import Scope
from grpo_checks.theory.estimators.group_law import group_law

EXAMPLE = Path(t1_g.__file__).parents[2] / "examples" / "lookup.json"


def test_budget_mutant_is_refuted():
    """The pair term matters: without it the best group size is off by more than one."""
    scope = Scope("quick", named("conflict", components=1, start=-2.0), "no pair term")
    assert [row.verdict for row in t1_budget.rows(scope, {})] == ["refuted", "holds"]


@pytest.mark.parametrize("term", ["between", "within", "excess"])
@pytest.mark.parametrize("start", [-2.0, -0.5])
def test_wrong_terms_of_the_budget_are_refuted(monkeypatch, term, start):
    """One of f, a and 2b - a a millionth too large: N V by listing groups is another number."""
    scope = Scope("quick", named("conflict", components=1, start=start))
    assert [row.verdict for row in t1_budget.rows(scope, {})] == ["holds", "holds"]
    right, g = t1_budget._closed, np.arange(2, t1_budget.SIZES[-1] + 1)

    def wrong(*model):
        terms, costs, best = right(*model)
        shape = {"between": g, "within": 1, "excess": 1 / (g - 1)}[term]
        return terms, costs + 1e-6 * float(getattr(terms, term)) * shape, best

    monkeypatch.setattr(t1_budget, "_closed", wrong)
    assert [row.verdict for row in t1_budget.rows(scope, {})] == ["holds", "refuted"]


def test_best_group_size_on_conflict():
    """x = -.5: G* = 2.46."""
    row, _ = t1_budget.rows(Scope("quick", named("conflict", components=1, start=-0.5)), {})
    assert row.extra["best_real_group_size"] == pytest.approx(2.4584, abs=1e-4)


def test_budget_needs_prompts_that_differ():
    """With one prompt nothing is gained by more of them."""
    (row,) = t1_budget.rows(Scope("quick", named("bits", components=2)), {})
    assert row.verdict == "assumption unmet"


def test_budget_of_a_model_without_signal(tmp_path):
    """All rewards equal: nothing to compare, rather than a refutation."""
    content = json.loads(EXAMPLE.read_text())
    content["reward"] = [[[[1, 1]] * 2] * 5] * 2
    path = tmp_path / "constant.json"
    path.write_text(json.dumps(content))
    (row,) = t1_budget.rows(Scope("quick", from_argument(str(path))), {})
    assert row.verdict == "assumption unmet"


@pytest.mark.parametrize("mutant", [None, *t1_g.STATEMENT.mutants])
def test_limits_in_the_group_size(mutant):
    """V by listing groups is a/G + (2b-a)/(G(G-1)), with the floor on top for a drawn prompt."""
    verdicts = [r.verdict for r in t1_g.rows(Scope("quick", mutant=mutant), {})]
    expected = {None: ["holds", "holds"], "no floor": ["holds", "refuted"]}
    assert verdicts == expected.get(mutant, ["refuted", "refuted"])


@pytest.mark.parametrize("wrong", ["sweep", "drawn"])
def test_a_wrong_variance_is_refuted(monkeypatch, wrong):
    """A millionth too much of the one or of the other."""
    right = t1_g.listed_variance

    def planted(spec, sizes):
        sums = right(spec, sizes)
        return sums._replace(**{wrong: getattr(sums, wrong) * (1 + 1e-6)})

    monkeypatch.setattr(t1_g, "listed_variance", planted)
    rows = t1_g.rows(Scope("quick"), {})
    assert [r.verdict for r in rows] == [
        "refuted" if (r.parameters["prompts"] == 1) == (wrong == "drawn") else "holds" for r in rows
    ]


def test_one_prompt_has_no_floor():
    """Only the full sweep is left."""
    (row,) = t1_g.rows(Scope("quick", named("bits", components=2)), {})
    assert (row.verdict, row.parameters["prompts"]) == ("holds", None)


def test_models_with_too_many_groups(monkeypatch):
    """No lattice: the first few sizes are counted; no engine at all: it says so."""
    spec = replace(named("conflict", components=1), options=(("components", 1), ("start", -0.3)))
    sums = listed_variance.listed_variance(spec, t1_g.SUMMED)
    monkeypatch.setattr(listed_variance, "group_law", _refusing("lattice"))
    listed_variance.listed_variance.cache_clear()
    few = listed_variance.listed_variance(spec, t1_g.SUMMED)
    assert few.sizes == sums.sizes[: listed_variance.FEW]
    np.testing.assert_allclose(few.drawn, sums.drawn[: len(few.sizes)], rtol=1e-12)
    monkeypatch.setattr(listed_variance, "group_law", _refusing("lattice", "counts"))
    listed_variance.listed_variance.cache_clear()
    for claim in (t1_g, t1_budget):
        (row,) = claim.rows(Scope("quick", spec), {})
        assert (row.verdict, row.note) == ("assumption unmet", "too many groups to sum over")
    listed_variance.listed_variance.cache_clear()


def _refusing(*engines):
    def law(mdp, size, estimator, engine, **options):
        if engine in engines:
            raise ValueError("entries")
        return group_law(mdp, size, estimator, engine, **options)

    return law
