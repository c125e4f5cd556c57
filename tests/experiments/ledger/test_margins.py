"""One kind of number per column: looseness, distance, rounding error, from rows made by hand."""

import pandas as pd
import pytest

from grpo_checks.experiments.ledger.facts.margins import distance, looseness, margins


def _cells(*cells, **columns):
    """Cells (observed, bound, verdict) with the columns that all rows have."""
    data = pd.DataFrame(cells, columns=["observed", "bound", "verdict"])
    data["ratio"] = data["bound"] / data["observed"].where(data["observed"] > 0)
    defaults = {"instance": "search", "identity": False, "evidence": "exact", "rounding": 0.0}
    return data.assign(**defaults | columns)


def test_looseness_is_of_what_holds():
    """Least and median of bound/observed; one number where they print alike."""
    cells = _cells((1.0, 2.0, "holds"), (1.0, 3.0, "holds"), (1.0, 9.0, "holds"))
    assert looseness(cells) == "2, median 3"
    assert looseness(pd.concat([cells, _cells((1.0, 1.1, "vacuous"))])) == "2, median 3"
    assert looseness(_cells((1.0, 2.0, "holds"))) == "2"
    assert looseness(_cells((1e-9, 1.0, "holds"), (0.5, 1.0, "holds"))) == "2, median over 1,000"


def test_a_bound_within_its_rounding_error_says_nothing():
    """1e-17 against 2e-17 is no factor of 2; equal in every cell is an equation."""
    noise, cell = _cells((2e-17, 1e-17, "holds"), rounding=1e-15), _cells((1.0, 4.0, "holds"))
    assert looseness(pd.concat([noise, cell], ignore_index=True)) == "4"
    assert looseness(noise) == looseness(_cells((0.0, 0.0, "holds"))) == "equal"
    assert looseness(_cells((-0.5, -0.4, "holds"))) == ""


def test_stored_cases_count_where_there_are_no_cells():
    """They are chosen to be tight, and would hide what an ordinary cell is like."""
    case = _cells((1.0, 1.0, "holds"), instance="stored case")
    cell = _cells((1.0, 4.0, "holds"))
    assert looseness(pd.concat([case, cell], ignore_index=True)) == "4"
    assert looseness(case) == "equal"


@pytest.mark.parametrize(
    ("cells", "share"),
    [
        ([(2.0, 1.0, "refuted"), (4.0, 1.0, "refuted")], "75%"),
        ([(1.0, 0.0, "refuted")], "100%"),
        ([(1.0, -1.0, "refuted")], "200%"),
        ([(1.0, 2.0, "holds")], ""),
    ],
)
def test_distance_is_of_the_farthest_counterexample(cells, share):
    """By hand; what only a sample refutes is taken where there is nothing else."""
    assert distance(_cells(*cells)) == share
    sampled = _cells((100.0, 1.0, "refuted"), evidence="statistical")
    both = pd.concat([_cells(*cells), sampled], ignore_index=True)
    assert distance(both) == (share or "99%")


def test_a_refuted_claim_has_no_looseness():
    """Nor one that holds a distance."""
    told = margins(_cells((1.0, 2.0, "holds"), (2.0, 1.0, "refuted"), rounding=3e-12))
    assert told == {"looseness": "", "distance": "50%", "rounding": "3e-12"}
