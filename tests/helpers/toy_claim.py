"""A claim about one number, whose truth is known: p(1 - p) <= 1/4."""

from fractions import Fraction

import jax

from grpo_checks.experiments.protocol.claim import Claim
from grpo_checks.experiments.protocol.points import Exact, Search
from grpo_checks.experiments.protocol.verdict import compare
from grpo_checks.theory.numbers.balls import rational


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
    rows=lambda scope, results: [],
    exact=Exact(_decide, SPACE),
)
