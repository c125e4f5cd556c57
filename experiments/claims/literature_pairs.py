"""L.correlation.G: does decoupling give every component the same correlation at finite G?

It does in the limit (arXiv:2509.22047); in groups of two it changes nothing but the scale, here by
listing all groups in rational arithmetic.
"""

from collections.abc import Mapping
from fractions import Fraction
from itertools import product

from experiments.assumptions import not_on_models, stated
from experiments.claim import Claim, Row, Scope, Verdict
from experiments.exact_cells import exact, unmet
from experiments.runs import RunResult
from experiments.settings import RunSettings

CHANCES = (Fraction(1, 2), Fraction(9, 10))


def squared_correlations_of_pairs(chances: tuple[Fraction, ...]) -> list[Fraction]:
    """corr(r_k, A)^2, decoupled, G = 2, independent binary components: by listing all groups.

    With two members a component's normalised rewards are +-1, or 0 if they are equal.
    """
    vectors = list(product((0, 1), repeat=len(chances)))

    def chance(vector: tuple[int, ...]) -> Fraction:
        total = Fraction(1)
        for r, p in zip(vector, chances, strict=True):
            total *= p if r else 1 - p
        return total

    square, along = Fraction(0), [Fraction(0)] * len(chances)
    for mine, other in product(vectors, repeat=2):
        weight = chance(mine) * chance(other)
        advantage = sum((a > b) - (a < b) for a, b in zip(mine, other, strict=True))
        square += weight * advantage**2
        for k, r in enumerate(mine):
            along[k] += weight * advantage * r
    return [c**2 / (p * (1 - p) * square) for c, p in zip(along, chances, strict=True)]


def rows(scope: Scope, results: Mapping[RunSettings, RunResult]) -> list[Row]:
    """Groups of two, in rational arithmetic: squared correlations against 1/K."""
    claim = "L.correlation.G"
    if scope.instance is not None:
        why = "about groups of two of independent components, whatever the model"
        return [unmet(claim, scope.instance.name, {}, why)]
    found, wanted = squared_correlations_of_pairs(CHANCES), Fraction(1, len(CHANCES))
    rows = []
    for k, (square, p) in enumerate(zip(found, CHANCES, strict=True)):
        verdict: Verdict = "holds" if square == wanted else "refuted"
        note = f"exact: squared correlation {square} for p = {p}, not {wanted}"
        parameters = {"component": k, "group_size": 2, "estimator": "componentwise_normalized"}
        rows.append(exact(claim, "pairs", parameters, float(square), float(wanted), verdict, note))
    return rows


CLAIM = Claim(
    name="L.correlation.G",
    statement="arXiv:2509.22047 at finite G: decoupled correlations are all 1/sqrt K",
    provenance="literature",
    expected="refuted",
    proof=("theory.correlation",),
    assumptions=(
        not_on_models("about groups of two of independent components, whatever the model"),
        *stated("independent binary components", "equal weights"),
    ),
    mutants={},
    runs=lambda scope: [],
    rows=rows,
)
