"""T1.own in larger groups: what a centre refutes, and what must not be refuted."""

from itertools import product

import pytest
from flint import fmpq

from grpo_checks.experiments.claims.cycles import own_centres
from grpo_checks.experiments.claims.cycles.models import MODELS
from grpo_checks.experiments.claims.cycles.own import CLAIM
from grpo_checks.experiments.claims.cycles.own_centres import centres
from grpo_checks.experiments.claims.cycles.own_field import decide
from grpo_checks.experiments.claims.cycles.own_orbits import along
from grpo_checks.experiments.models.instances import named
from grpo_checks.experiments.protocol.claim import Scope

BINARY = {
    "outcome": [[[1, 3], [1, 1], [3, 1]], [[1, 2], [2, 1], [1, 1]]],
    "rewards": [[1], [0]],
    "logits": [0, 1, -1],
}
TWO = {
    "outcome": [[[1, 0, 2], [0, 1, 0]], [[0, 1, 0], [2, 0, 1]]],
    "rewards": [[1], ["1/2"], [0]],
    "logits": [0, 1],
}
UNEQUAL = {**MODELS["rank_cycle"], "rewards": [[0], [1], ["1/10"], ["1/16"], ["19/20"]]}


@pytest.mark.parametrize("name", ["rank_cycle", "dice_all"])
def test_centre_refutes(name):
    """Both averages of expected updates, not that of sampled ones."""
    document = {**MODELS[name], "group_size": 4}
    for average in ("E[g]", "grad J"):
        decision = decide({**document, "average": average})
        assert decision.verdict == "refuted"
        assert decision.observed > 0
    assert decide({**document, "average": "grad J, sampled"}).verdict == "inconclusive"


WITHOUT_CENTRE = {
    "binary": BINARY,
    "two": TWO,
    "unequal": UNEQUAL,
    "leave one out": {**MODELS["rank_cycle"], "estimator": "leave_one_out"},
    "mean": {**MODELS["dice_all"], "estimator": "mean_baseline"},
    "decomposed": {**MODELS["dice_all"], "estimator": "componentwise_normalized"},
    "share": {**MODELS["rank_cycle"], "share": [2, 1, 1]},
}
# Without the reflection of an instance the search for zeros takes 20 s at G = 8.
LONG = {("unequal", 8), ("share", 8)}


@pytest.mark.parametrize("average", ["E[g]", "grad J"])
@pytest.mark.parametrize(
    ("name", "group_size"), [x for x in product(WITHOUT_CENTRE, (3, 4, 8)) if x not in LONG]
)
def test_no_centre(name, group_size, average):
    """One binary reward, two actions, no reflection, no zero on its line, gradients."""
    document = {**WITHOUT_CENTRE[name], "group_size": group_size, "average": average}
    decision = decide(document)
    assert decision.verdict != "refuted"
    assert decision.observed == fmpq(0)


@pytest.mark.parametrize("group_size", [3, 4, 8])
def test_edge_refutes(group_size):
    """`dice` at G = 3 and 4: the average of |grad J|^2, not that of |E[g]|^2, which vanishes."""
    document = {**MODELS["dice"], "group_size": group_size}
    decision = decide({**document, "average": "grad J"})
    assert decision.verdict == ("inconclusive" if group_size == 8 else "refuted")
    assert "no zero on the line" in decide(document).note
    assert decide(document).verdict == "inconclusive"


def test_potentials_hold():
    """Of |E[g]|^2, not of |grad J|^2."""
    for document in (BINARY, TWO, {**MODELS["dice"], "estimator": "componentwise_normalized"}):
        larger = {**document, "group_size": 4}
        assert decide(larger).verdict == "holds"
        assert decide({**larger, "average": "grad J"}).verdict == "inconclusive"


def test_rows():
    """Refuted where there is a centre or an edge, with its numbers, which runs agree with."""
    (pair, three) = centres("dice", Scope("quick"))
    assert (pair.verdict, pair.evidence) == ("refuted", "certified")
    assert pair.extra["difference"] == 0
    assert pair.extra["measured"] == pytest.approx(pair.observed, rel=1e-9)
    assert (three.verdict, three.evidence) == ("refuted", "certified")
    assert three.extra["measured"] == pytest.approx(three.observed, rel=0.05)
    assert three.extra["reached"] == pytest.approx(three.extra["chance"], abs=0.01)


def test_rows_of_one_instance():
    """`dice_all` has centres, and no runs."""
    scope = Scope("quick", instance=named("dice_all", components=2))
    assert CLAIM.runs(scope) == []
    rows = CLAIM.rows(scope, {})
    assert [row.verdict for row in rows] == ["refuted", "refuted"]
    assert [row.extra["difference"] for row in rows] == pytest.approx(
        [0.559616, -0.730093], abs=1e-6
    )


def test_bad_group_size():
    """One line that names the field."""
    with pytest.raises(ValueError, match="group_size = 1"):
        decide({**MODELS["dice"], "group_size": 1})


@pytest.mark.parametrize(("off", "verdict"), [(0.0, "refuted"), (1e-8, "inconclusive")])
def test_a_run_that_starts_beside_a_centre_is_a_fault(monkeypatch, off, verdict):
    """By far less than a run would wander: what rounding may do is 1e-11."""
    monkeypatch.setattr(own_centres, "SIZES", {"quick": (3,)})

    def beside(name, size, estimator, theta, step, length):
        return along(name, size, estimator, theta.at[0, 0].add(off), step, length)

    monkeypatch.setattr(own_centres, "along", beside)
    (row,) = centres("rank_cycle", Scope("quick"))
    assert row.verdict == verdict
    assert abs(row.extra["measured"] / row.observed - 1) < 1e-7
