"""Theorem 3 at rational points: against the float code, as stored, and at its mutants."""

from fractions import Fraction
from itertools import product

import numpy as np
import pytest
from flint import fmpq
from helpers.learning_problems import DOCUMENT, law, short_chunks

from grpo_checks.experiments.claims.catalogue import find
from grpo_checks.experiments.claims.generalization.hardest.mutants import UNCERTIFIED
from grpo_checks.experiments.claims.generalization.kl_order import STATEMENT as ORDER
from grpo_checks.experiments.claims.generalization.visual_arft import STATEMENT as PUBLISHED
from grpo_checks.experiments.falsifier.search import falsify
from grpo_checks.experiments.points.generalization import depth
from grpo_checks.experiments.points.generalization.coverage import EXACT
from grpo_checks.experiments.protocol.certificates import certified_rows, load_cases, path_of
from grpo_checks.experiments.protocol.claim import overall
from grpo_checks.theory.generalization.coverage import coverage
from grpo_checks.theory.generalization.learning import Learning
from grpo_checks.theory.generalization.pac_bayes import BOUNDS
from grpo_checks.theory.generalization.plug_in import largest_divergence
from grpo_checks.theory.generalization.worst_posterior import worst_posterior
from grpo_checks.theory.numbers.balls import ends

NAMES = [
    f"T3.{c}" for c in ("coverage", "tightness", "ood", "depth", "shift", "klorder", "visual_arft")
]
_short = pytest.fixture(short_chunks, autouse=True, scope="module")


def cover(document, mutant=None):
    """T3.coverage there."""
    return EXACT.decide(document, mutant)


def floats(document):
    """The same learning problem for the float code."""
    losses = [[float(Fraction(x)) for x in row] for row in document["losses"]]
    laws = ([float(p) for p in law(document[f])] for f in ("source", "prior"))
    return Learning(losses, *laws)


@pytest.mark.parametrize("name", NAMES)
def test_stored_cases(name):
    """Each decided as stored; the claim as expected, each of its mutants refuted."""
    claim = find(name)
    rows = certified_rows(claim, None)
    assert overall([row.verdict for row in rows]) == claim.expected
    for case, row in zip(
        [c for c in load_cases(path_of(name)) if c.mutant is None], rows, strict=True
    ):
        assert row.verdict == case.found["verdict"]
        assert row.evidence == "certified"
    for mutant in set(claim.mutants) - set(UNCERTIFIED):
        verdicts = {row.verdict for row in certified_rows(claim, mutant)}
        assert verdicts == {"refuted"}, mutant


@pytest.mark.parametrize("seed", range(3))
def test_coverage_against_the_float_code(seed):
    """Random losses and laws, chosen so that bounds fail now and then."""
    rng = np.random.default_rng(seed)
    losses = [[str(Fraction(int(x), 4)) for x in row] for row in rng.integers(0, 5, (3, 3))]
    document = {**DOCUMENT, "losses": losses, "source": rng.integers(1, 9, 3).tolist()}
    document["delta"] = "9/10"
    cell = coverage(floats(document), 6, 0.25, [0.9]).failure[:, 0]
    for bound in ("kl-xi", "kl-2sqrt(n)", "McAllester", "lambda", "unexpected Bernstein"):
        exact = float(cover({**document, "bound": bound}, None).observed)
        assert exact == pytest.approx(cell[BOUNDS.index(bound)], abs=1e-12), bound


def test_the_worst_posterior_against_the_float_code():
    """Both enclose the probability that some posterior breaks the bound."""
    document = {**DOCUMENT, "delta": "19/20"}
    low, high, _ = worst_posterior(floats(document), 6, 0.95, "kl-xi")
    observed = [
        float(x)
        for x in ends(cover({**document, "bound": "kl-xi", "posterior": "worst"}, None).observed)
    ]
    assert low <= observed[1] + 1e-12
    assert observed[0] <= high + 1e-12
    assert high > 0
    with pytest.raises(ValueError, match="bound = 'lambda'"):
        cover({**document, "bound": "lambda", "posterior": "worst"})


def test_relay_has_its_closed_form():
    """1 - (1-f)^D; a repaired loss would not grow."""
    (case,) = [c for c in load_cases(path_of("T3.depth")) if c.name == "relay, four passes"]
    decision = depth.EXACT.decide(case.document, None)
    assert decision.observed == 1 - fmpq(99, 100) ** 4
    assert decision.bound == fmpq(4, 100)
    shorter = list(depth.EXACT.simpler(case.document))
    assert depth.EXACT.decide(shorter[0], None).bound == fmpq(3, 100)


def test_the_plug_in_against_the_float_code():
    """n kl(train ‖ base) - ln(xi/delta)."""
    for n, train, base in product((20, 1200), ("64/125", "9/10"), ("118/125",)):
        document = {"n": n, "delta": "1/20", "train": train, "base": base}
        numbers = (float(Fraction(train)), float(Fraction(base)), n, 0.05)
        decision = PUBLISHED.decide(document)
        assert float(decision.observed) == pytest.approx(largest_divergence(*numbers), rel=1e-9)


@pytest.mark.parametrize("claim", ["T3.shift", "T3.klorder"])
def test_the_falsifier_needs_no_hint(claim):
    """A certified violation, with short numbers."""
    best = falsify(find(claim), minutes=30, seed=3)
    assert best.refuted
    assert len(best.document["source"]) == 2


def test_points_of_the_search_are_points():
    """Of every bound and posterior; losses of the binomial tail are 0 or 1."""
    search, rng, verdicts = EXACT.search, np.random.default_rng(5), []
    for at in search.choices[::4]:
        document = search.document(rng.normal(size=search.dimension(at)), at, 1000)
        verdicts.append(cover(document).verdict)
    assert set(verdicts) <= {"holds", "vacuous"}
    assert "holds" in verdicts


@pytest.mark.parametrize(
    ("decide", "document", "named"),
    [
        (cover, {**DOCUMENT, "bound": "kl"}, "bound = 'kl'"),
        (cover, {**DOCUMENT, "bound": "kl-xi", "delta": 1}, "delta = 1"),
        (cover, {**DOCUMENT, "bound": "kl-xi", "losses": [[0, 2, 0]]}, "losses"),
        (cover, {"bound": "kl-xi"}, "n: missing"),
        (cover, {**DOCUMENT, "bound": "Catoni", "constant": 0}, "constant = 0"),
        (ORDER.decide, {"source": [1, 0], "target": [1, 1], "loss": [0, 1]}, "source = "),
        (depth.EXACT.decide, {"kind": "none"}, "kind = 'none'"),
        (PUBLISHED.decide, {"n": 20, "delta": "1/20"}, "train: missing"),
    ],
)
def test_bad_documents(decide, document, named):
    """The field and the value are named."""
    with pytest.raises(ValueError, match=named):
        decide(document, None)


def test_assumptions():
    """One policy for Chernoff's bound."""
    assert cover({**DOCUMENT, "bound": "Chernoff"}, None).verdict == "assumption unmet"
