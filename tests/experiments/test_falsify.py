"""The falsifier on a claim about one number, whose truth is known."""

from fractions import Fraction

import jax
import pytest

from experiments.certificates import Case, certified_rows, load_cases, store_cases
from experiments.claim import Claim
from experiments.exact import Exact, Search
from experiments.falsify import falsify
from experiments.falsify_report import as_test
from experiments.shrink import rounder, shrunk, size
from experiments.verdict import compare
from theory.balls import rational


def _decide(document, mutant):
    """p(1 - p) <= 1/4, or <= 6/25 for the mutant."""
    p = rational("p", document["p"])
    if not 0 <= p <= 1:
        raise ValueError(f"p = {p}: expected a probability")
    return compare(p * (1 - p), rational("bound", "6/25" if mutant else "1/4"))


SPACE = Search(
    choices=(0,),
    dimension=lambda choice: 1,
    ratio=lambda x, choice: 4 * jax.nn.sigmoid(x[0]) * jax.nn.sigmoid(-x[0]),
    document=lambda x, choice, n: {
        "p": str(Fraction(float(jax.nn.sigmoid(x[0]))).limit_denominator(n))
    },
)
TOY = Claim(
    name="toy",
    statement="p(1-p) <= 1/4",
    provenance="derived",
    expected="holds",
    assumptions=(),
    mutants={"lower": "6/25 for 1/4"},
    runs=lambda scope: [],
    rows=lambda scope, results: [],
    exact=Exact(_decide, SPACE),
)


def test_a_true_claim_gives_its_tightest_point():
    """The maximum of p(1-p) is at 1/2, where the bound is reached."""
    found = falsify(TOY, minutes=0.02)
    assert not found.refuted
    assert found.ratio == pytest.approx(1, abs=1e-6)
    assert found.tried > 0


def test_a_false_claim_is_refuted_and_shrunk():
    """The roundest violation is p = 1/2."""
    found = falsify(TOY, minutes=1, mutant="lower")
    assert found.refuted
    assert found.document == {"p": "1/2"}
    scope: dict = {}
    exec(
        as_test("toy", found, "lower").replace("find('toy').exact", "EXACT"),
        {"EXACT": TOY.exact},
        scope,
    )
    assert "test_toy" in scope


def test_stored_cases_are_decided_again(tmp_path):
    """As stored they hold; a changed digit anywhere decides nothing."""
    cases = [Case("half", {"p": "1/2"}), Case("half", {"p": "1/2"}, "lower")]
    path = store_cases(TOY, cases, tmp_path)
    assert [row.verdict for row in certified_rows(TOY, None, tmp_path)] == ["holds"]
    assert [row.verdict for row in certified_rows(TOY, "lower", tmp_path)] == ["refuted"]
    assert load_cases(path)[0].found["observed"] == ["1/4", "1/4"]
    text = path.read_text()
    for i in [i for i, c in enumerate(text) if c.isdigit()]:
        path.write_text(text[:i] + str((int(text[i]) + 1) % 10) + text[i + 1 :])
        for mutant in (None, "lower"):
            assert {r.verdict for r in certified_rows(TOY, mutant, tmp_path)} <= {"inconclusive"}


def test_shrinking_stops_at_the_smallest():
    """Numbers are shortened one by one while the property lasts."""
    small = shrunk(
        {"a": "731/997", "b": [5, 7]}, lambda d: Fraction(d["a"]) > Fraction(7, 10), lambda d: ()
    )
    assert small == {"a": 1, "b": [0, 0]}
    assert all(size(d)[0] == 3 for d in rounder({"a": "731/997", "b": [5, 7]}))
