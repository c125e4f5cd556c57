"""Theorem 2 at stored rational points, and at random ones against floating point."""

from fractions import Fraction

import jax
import numpy as np
import pytest

from grpo_checks.experiments.claims.catalogue import CLAIMS, find
from grpo_checks.experiments.claims.decomposition.gap import STATEMENT as GAP
from grpo_checks.experiments.claims.surrogates.groups import GROUP
from grpo_checks.experiments.falsifier.search import certified_ratio, falsify
from grpo_checks.experiments.falsifier.statement import TINY
from grpo_checks.experiments.points.decomposition.benefit import STATEMENT as BENEFIT
from grpo_checks.experiments.points.decomposition.first_order_search import KAPPA_DOMAIN
from grpo_checks.experiments.protocol.certificates import certified_rows, load_cases, path_of

SHARP = {"calls": [["5/8", 0], ["3/8", "1/4"]], "odds": [1, 3], "slopes": [1]}
COIN = {
    "group_size": 2,
    "weights": [1],
    "prompts": [
        {
            "share": 1,
            "actions": [{"odds": 1, "outcomes": [{"share": 1, "rewards": [r]}]} for r in (0, 1)],
        }
    ],
}
THEOREM_2 = [claim for claim in CLAIMS if claim.name.startswith("T2.") and claim.exact]


@pytest.mark.parametrize("claim", THEOREM_2, ids=lambda claim: claim.name)
def test_stored_cases_are_decided_as_stored(claim):
    """Each as the claim is expected to come out."""
    rows = certified_rows(claim, None)
    assert rows
    assert {row.verdict for row in rows} <= {claim.expected, "assumption unmet"}
    assert claim.expected in {row.verdict for row in rows}
    assert {row.evidence for row in rows} == {"certified"}


@pytest.mark.parametrize(
    ("name", "mutant"), [(claim.name, mutant) for claim in THEOREM_2 for mutant in claim.mutants]
)
def test_every_mutant_is_refuted(name, mutant):
    """At a named point."""
    assert {row.verdict for row in certified_rows(find(name), mutant)} == {"refuted"}


@pytest.mark.parametrize("claim", THEOREM_2, ids=lambda claim: claim.name)
def test_stored_cases_are_of_known_mutants(claim):
    """A renamed mutant leaves no case behind."""
    known = {case.mutant for case in load_cases(path_of(claim.name))}
    assert known == {None, *claim.mutants}


@pytest.mark.parametrize(
    ("name", "choice"),
    [
        ("T2.bridge'", GROUP.choices()[3]),
        ("T2.gap", GAP.domain.choices()[0]),
        ("T2.kappa", KAPPA_DOMAIN.choices()[2]),
        ("T2.kappa", KAPPA_DOMAIN.choices()[5]),
        ("T2.benefit", BENEFIT.domain.choices()[0]),
        ("T2.benefit", BENEFIT.domain.choices()[2]),
    ],
)
def test_floats_and_balls_agree(name, choice):
    """The ratio that is climbed and the one that is certified, where points are rounded finely."""
    exact = find(name).exact
    ratio = jax.jit(lambda x: exact.search.ratio(x, choice))
    rng = np.random.default_rng(1)
    seen = 0
    while seen < 3:
        x = rng.normal(size=exact.search.dimension(choice))
        # 0 where the point is too near to one that breaks an assumption.
        if (climbed := float(ratio(x))) <= 0:
            continue
        decision = exact.decide(exact.search.document(x, choice, 10**5), None)
        if decision.verdict != "assumption unmet":
            assert decision.verdict == ("refuted" if climbed > 1 else "holds")
            assert certified_ratio(decision) == pytest.approx(climbed, rel=1e-3, abs=1e-4)
            seen += 1


@pytest.mark.parametrize("name", ["T2.identity", "T2.potential", "T2.zero"])
def test_equalities_are_certain_at_random_points(name):
    """Exactly 0, at points of every choice; and 0 to rounding in floating point."""
    exact = find(name).exact
    rng = np.random.default_rng(2)
    for choice in exact.search.choices:
        x = rng.normal(size=exact.search.dimension(choice))
        decision = exact.decide(exact.search.document(x, choice, 50), None)
        silent = name == "T2.zero" and dict(choice)["group_size"] == 4
        expected = "assumption unmet" if silent else "holds"
        assert decision.verdict == expected
        assert decision.observed == 0
    # Over a bound of 0, to which TINY is added.
    assert abs(float(jax.jit(lambda x: exact.search.ratio(x, choice))(x))) * TINY < 1e-12


def test_a_reported_counterexample_is_found_and_shrunk():
    """T2.bridge without a hint: two samples and small numbers."""
    result = falsify(find("T2.bridge"), minutes=30, seed=5)
    assert result.refuted
    assert len(result.document["rewards"]) == 2
    numbers = [Fraction(x) for f in ("weights", "ratios") for x in result.document[f]]
    numbers += [Fraction(x) for row in result.document["rewards"] for x in row]
    assert max(x.denominator for x in numbers) <= 20


@pytest.mark.parametrize(
    ("name", "document", "message"),
    [
        ("T2.gap", {**SHARP, "group_size": 4}, "weights: missing"),
        ("T2.benefit", {**COIN, "step": "1/3"}, "step = '1/3': expected one of 1/16, 1/8, "),
        ("T2.potential", {**COIN, "group_size": 1}, "group_size = 1"),
        ("T2.identity", {"weights": [1]}, "rewards: missing among \\['weights'\\]"),
    ],
)
def test_documents_of_no_point_are_refused(name, document, message):
    """Naming the field."""
    with pytest.raises(ValueError, match=message):
        find(name).exact.decide(document, None)


@pytest.mark.parametrize("name", ["T2.identity", "T2.bridge", "T2.bridge'"])
def test_silent_groups_leave_the_assumption_unmet(name):
    """Two samples of equal composite have no joint advantage."""
    silent = {"rewards": [[0, 1], [1, 0]], "weights": [1, 1]}
    assert find(name).exact.decide(silent, None).verdict == "assumption unmet"
