"""L.correlation.G: does decoupling give every component the same correlation at finite G?

It does in the limit (arXiv:2509.22047); in groups of two it changes nothing but the scale, here by
listing all groups in rational arithmetic.
"""

from collections.abc import Mapping

from flint import fmpq

from grpo_checks.experiments.models.settings import RunResult, RunSettings
from grpo_checks.experiments.points.literature import correlation
from grpo_checks.experiments.points.literature.correlations import DECOUPLED
from grpo_checks.experiments.protocol.assumptions import not_on_models, stated
from grpo_checks.experiments.protocol.cell_rows import certified, unmet
from grpo_checks.experiments.protocol.cell_rows import exact as exact_row
from grpo_checks.experiments.protocol.claim import Claim, Facts, Row, Scope, Verdict
from grpo_checks.experiments.runs.words import Table
from grpo_checks.theory.arithmetic.enclose import enclose, exact

CHANCES = (fmpq(1, 2), fmpq(9, 10))
_squares = enclose(correlation.group_squares)


def rows(scope: Scope, results: Mapping[RunSettings, RunResult]) -> list[Row]:
    """Groups of two, listed in rational arithmetic: squared correlations against 1/K."""
    claim = "L.correlation.G"
    if scope.instance is not None:
        why = "about groups of two of independent components, whatever the model"
        return [unmet(claim, scope.instance.name, {}, why)]
    correlations = _squares(exact(CHANCES), exact([1, 1]), 2)
    wanted, rows = fmpq(1, len(CHANCES)), []
    for k, (square, p) in enumerate(zip(correlations, CHANCES, strict=True)):
        verdict: Verdict = "holds" if square == wanted else "refuted"
        note = f"exact: squared correlation {square} for p = {p}, not {wanted}"
        parameters = {"component": k, "group_size": 2, "estimator": DECOUPLED.name}
        numbers = (float(square), float(wanted))
        labels = (claim, "pairs", parameters)
        extra = {
            "observed_exact": str(square),
            "bound_exact": str(wanted),
            "chance_exact": str(p),
        }
        rows.append(certified(exact_row(*labels, *numbers, verdict, note, extra)))
    return rows


def facts(data: Table) -> Facts:
    """Of L.correlation.G: groups of two, in fractions."""
    columns = data[["observed_exact", "chance_exact", "bound_exact"]].to_numpy()
    pairs = [
        f"squared correlation {square} for p = {p}, not {limit}" for square, p, limit in columns
    ]
    return {"pairs": "; ".join(pairs)}


CLAIM = Claim(
    name="L.correlation.G",
    statement="arXiv:2509.22047 at finite G: decoupled correlations are all 1/sqrt K",
    provenance="literature",
    expected="refuted",
    proof=("grpo_checks.theory.updates.correlation",),
    facts={"L.correlation.G": facts},
    assumptions=(
        not_on_models("about groups of two of independent components, whatever the model"),
        *stated("independent binary components", "equal weights"),
    ),
    rows=rows,
    exact=correlation.two_remain(correlation.EQUAL),
)
