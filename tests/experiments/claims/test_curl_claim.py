"""T1.curl: what it says of models, and of what breaks its assumptions; how it could fail."""

import json
from pathlib import Path

import pytest

from grpo_checks.experiments.claims.catalogue import find
from grpo_checks.experiments.claims.stationarity import curl as t1_curl
from grpo_checks.experiments.models.building.argument import from_argument
from grpo_checks.experiments.models.instances import build, named
from grpo_checks.experiments.protocol.claim import Scope, overall
from grpo_checks.experiments.runs.judging import rows_of, unmet_rows
from grpo_checks.theory.estimators.advantages import Estimator
from grpo_checks.theory.estimators.group_law import group_law

DATA = Path(__file__).parents[2] / "data"
CLAIM = t1_curl.CLAIM
X, Y, ZERO = [1, 0], [0, 1], [0, 0]


def _spec(tmp_path, worths, **options):
    """A model with one state and one component, as a user's file."""
    n = len(worths)
    content = {
        "format": "ta-mdp/1", "name": "m", "prompt_distribution": [1],
        "initial_distribution": [[1]], "depth": [0], "tool_transition": [],
        "legal": [[True] * n], "reward": [[[[w] for w in worths]]], "weights": [1],
        "policy": {"kind": "tabular"}, **options,
    }  # fmt: skip
    path = tmp_path / "model.json"
    path.write_text(json.dumps(content))
    return from_argument(str(path))


def _log_linear(*features):
    return {"kind": "log-linear", "features": [list(features)]}


def _verdict(spec, mutant=None):
    return overall([row.verdict for row in rows_of(CLAIM, Scope("quick", spec, mutant), {})])


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("curl_opposed_prompts", "rank 0 of the grad p(v) of 3 composites in parameters that no"),
        ("curl_separate_prompts", "at most 2 distinct composites at a prompt"),
    ],
)
def test_several_prompts(name, why):
    """Three values at different prompts, or on shared parameters, where they can cancel."""
    (row,) = unmet_rows(CLAIM, Scope("quick", from_argument(str(DATA / f"{name}.json"))))
    assert why in row.note


@pytest.mark.parametrize(
    ("worths", "features", "why"),
    [
        ((0, "1/4", "1/2", "3/4", 1), (X, Y, ZERO, Y, X), "rank 2 of the grad p(v) of 5"),
        ((0, ".1", ".3", ".5", ".7", 1), (X, Y, ZERO, X, ZERO, Y), "rank 2 of the grad p(v) of 6"),
        ((0, "1/2", 1), ([0], [1], [3]), "rank 1 of the grad p(v) of 3"),
        ((0, 0, 1), (X, Y, ZERO), "at most 2 distinct composites"),
    ],
)
def test_policies_with_few_directions(tmp_path, worths, features, why):
    """The two models of the theory, rank one, two values: nothing is said of them."""
    spec = _spec(tmp_path, worths, policy=_log_linear(*features))
    (row,) = unmet_rows(CLAIM, Scope("quick", spec))
    assert row.verdict == "assumption unmet"
    assert why in row.note


@pytest.mark.parametrize(
    ("worths", "options"),
    [
        ((0, "1/2", 1), {"policy": _log_linear(X, Y, ZERO)}),
        # A start next to certainty is one policy of many.
        ((0, "1/2", 1), {"theta": [[14, 0, -14]]}),
        ((0, "1/1000000", "1/500000"), {}),
        (("1/2", "500001/1000000", 1), {}),
    ],
)
def test_models_that_meet_both_conditions(tmp_path, worths, options):
    """It holds, by the Jacobian itself, far beyond rounding; the mutant is refuted."""
    spec = _spec(tmp_path, worths, **options)
    rows = rows_of(CLAIM, Scope("quick", spec), {})
    assert [r.verdict for r in rows] == ["holds"] * 3
    assert {r.evidence for r in rows} == {"exact"}
    assert all(r.observed > 100 * r.rounding > 0 for r in rows)
    assert _verdict(spec, "always a gradient") == "refuted"


def test_what_float64_cannot_see_is_enclosed(tmp_path):
    """The third value has a chance of 10^-14 at most: the curl over the values decides."""
    tools = [[[0, 1, 0, 0], [0, 0, "1/100000000000000", "99999999999999/100000000000000"]]]
    spec = _spec(
        tmp_path, (0,), depth=[0, 1, 1, 1], initial_distribution=[[1, 0, 0, 0]],
        tool_transition=tools + [[[0] * 4] * 2] * 3,
        legal=[[True, True, True]] + [[False, False, True]] * 3,
        reward=[[[[0]], [["1/2"]], [[1]], [[0]]]],
    )  # fmt: skip
    rows = rows_of(CLAIM, Scope("quick", spec), {})
    assert [r.verdict for r in rows] == ["holds"] * 3
    assert {r.evidence for r in rows} == {"certified"}
    assert all("too small for float64" in r.note for r in rows)


def test_an_update_that_is_a_gradient_is_refuted(monkeypatch):
    """Were E[g] what `leave_one_out` has, grad J, neither side would let the claim hold."""
    monkeypatch.setattr(t1_curl, "exact_law", _gradient_law)
    monkeypatch.setattr(t1_curl, "is_curled", lambda values, size, estimator: False)
    rows = rows_of(CLAIM, Scope("quick", named("bandit", components=1)), {})
    assert {r.verdict for r in rows} == {"refuted"}


def _gradient_law(spec, group_size, estimator):
    return group_law(build(spec).mdp, group_size, Estimator("leave_one_out"), "counts")


def test_sums_that_are_too_large_to_tabulate(monkeypatch):
    """No crash: the curl over three values decides."""

    def too_large(*_):
        raise ValueError("group_size = 8 with 99 distinct rewards")

    monkeypatch.setattr(t1_curl, "exact_law", too_large)
    rows = rows_of(CLAIM, Scope("quick", named("bandit", components=1)), {})
    assert {(r.verdict, r.evidence, r.observed) for r in rows} == {("holds", "certified", None)}
    assert "99 distinct rewards" in rows[0].note


def test_two_rewards_are_beside_the_bandit():
    """Unmet, with an asymmetry of rounding size; instances of the paper profile meet it."""
    for spec, verdict in ((t1_curl.TWO, "assumption unmet"), (named("bandit"), "holds")):
        row = t1_curl._row(spec, 2, t1_curl.PLAIN, None)
        assert row.verdict == verdict
        assert (row.observed > row.rounding) == (verdict == "holds")
    for spec in t1_curl.MODELS.chosen(Scope("paper")):
        assert (t1_curl.MOVABLE_LAW.broken_by(spec) is None) == (spec != t1_curl.TWO)


@pytest.mark.parametrize("mutant", ["rank 2", "several prompts"])
def test_weaker_conditions_are_false_elsewhere(mutant):
    """On stored points alone; the models of the profile meet the true ones."""
    spec = named("bandit", components=1)
    assert _verdict(spec, mutant) == "holds"
    assert find("T1.curl").mutants[mutant]
