"""T1.own and T1.cycle: what goes round, what does not, and that a falsifier finds it."""

import pytest
from flint import fmpq

from grpo_checks.experiments.claims.cycles import own, ring_bound
from grpo_checks.experiments.claims.cycles.models import DOCUMENTS
from grpo_checks.experiments.claims.cycles.own_field import circle_of, decide, worth
from grpo_checks.experiments.falsifier import search
from grpo_checks.experiments.falsifier.search import falsify
from grpo_checks.experiments.protocol.claim import Scope


@pytest.mark.parametrize(("eps", "verdict"), [("1/40", "refuted"), ("1/30", "inconclusive")])
def test_cycle_of_ranks_ends_with_a_large_eps(eps, verdict):
    """Sure differences of 1/20 and 1/10 stop counting at eps = 1/36 (derived)."""
    assert decide({**DOCUMENTS["rank_cycle"], "eps": eps}).verdict == verdict


@pytest.mark.parametrize("estimator", ["leave_one_out", "mean_baseline"])
@pytest.mark.parametrize("name", DOCUMENTS)
def test_means_are_no_circle(name, estimator):
    """Wins are then differences of the mean rewards."""
    document = {**DOCUMENTS[name], "estimator": estimator}
    assert circle_of(document) is None
    assert decide({**document, "average": "grad J"}).verdict == "holds"


def test_decomposing_removes_the_circle_of_dice_alone():
    """Binary components: differences. One graded component: it is the joint estimator."""
    decomposed = {"estimator": "componentwise_normalized"}
    assert worth({**DOCUMENTS["dice"], **decomposed}) is not None
    assert worth({**DOCUMENTS["rank_cycle"], **decomposed}) is None


def test_equal_weights_are_no_circle():
    """Three values of the composite order all lotteries over them: not decided, not refuted."""
    assert decide({**DOCUMENTS["dice"], "weights": [1, 1]}).verdict != "refuted"


def test_updates_that_vanish_are_no_ascent_of_j():
    """A sure 1/2 against 0 or 9/10: neither wins more often, so E[g] = 0, and J varies."""
    document = {
        "outcome": [[[0, 1, 0], [1, 0, 1]]],
        "rewards": [[0], ["1/2"], ["9/10"]],
        "logits": [0, 1],
    }
    assert worth(document) == [fmpq(0), fmpq(0)]
    assert decide(document).verdict == "holds"
    assert decide({**document, "average": "grad J"}).verdict == "inconclusive"
    fair = {**document, "rewards": [[0], ["1/2"], [1]], "average": "grad J"}
    assert decide(fair).verdict == "holds"


def test_decomposed_updates_and_j():
    """Accuracy against format, both sure: the heavier wins; with equal weights J is constant."""
    document = {
        "outcome": [[[0, 0, 1, 0], [0, 1, 0, 0]]],
        "rewards": [[0, 0], [0, 1], [1, 0], [1, 1]],
        "logits": [0, 1],
        "estimator": "componentwise_normalized",
        "average": "grad J",
    }
    assert decide({**document, "weights": [2, 1]}).verdict == "holds"
    tied = {**document, "weights": [1, 1]}
    assert worth(tied) == [fmpq(0), fmpq(0)]
    assert decide(tied).verdict == "holds"


@pytest.fixture
def _as_found(monkeypatch):
    """Not shrunk, which takes longer than to find it."""
    monkeypatch.setattr(search, "shrunk", lambda document, *_: document)


@pytest.mark.usefixtures("_as_found")
def test_falsifier_finds_a_circle():
    """Without a hint; what it reports has a floor."""
    result = falsify(own.CLAIM, 2, 2)
    assert result.refuted
    assert decide(result.document).observed > 0


@pytest.mark.usefixtures("_as_found")
@pytest.mark.parametrize("mutant", ring_bound.STATEMENT.mutants)
def test_mutants_of_the_ring_are_found(mutant):
    """By the search, not only at the stored points."""
    assert falsify(ring_bound.CLAIM, 2, 0, mutant).refuted


def test_random_circles_hold():
    """And none of them falls."""
    rows = ring_bound.rows(Scope("quick"), {})
    assert {row.verdict for row in rows} == {"holds"}
    assert all(row.extra["largest_fall"] <= row.rounding for row in rows)


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ({"logits": [0]}, "logits: 1 of actions, expected 2 as in outcome"),
        ({"rewards": [[2], [0]]}, "rewards.* = 2: expected a number in .0, 1"),
        ({"average": "J"}, "average = 'J': expected one of"),
    ],
)
def test_bad_points(document, message):
    """One line that names the field."""
    good = {"outcome": [[[1, 0], [0, 1]]], "rewards": [[1], [0]], "logits": [0, 1]}
    with pytest.raises(ValueError, match=message):
        decide({**good, **document})
