"""The figure of claims that no other figure shows: the claims of the ledger, the stored numbers."""

import numpy as np
import pandas as pd

from grpo_checks.experiments.claims.catalogue import CLAIMS as CATALOGUE
from grpo_checks.experiments.ledger.ledger import PAPER
from grpo_checks.figures.theorems.looseness import CLAIMS, looseness


def test_claims_name_the_figure_exactly_where_it_draws_them():
    """And no other; the stored verdicts, which the ledger takes its pictures from, say the same."""
    named = {claim.name: ", ".join(claim.figures) for claim in CATALOGUE}
    assert {name for name, figures in named.items() if figures == "looseness"} == set(CLAIMS)
    verdicts = pd.read_csv(PAPER / "verdicts.csv", keep_default_na=False).set_index("claim")
    assert verdicts["figure"].to_dict() == named


def test_every_cell_is_drawn_where_its_numbers_are():
    """By hand: two that hold, at a half and at the bound, one refuted; an identity is left out."""
    cells = [(1.0, 2.0, "holds"), (3.0, 3.0, "holds"), (2.2, 2.0, "refuted"), (5.0, 5.0, "holds")]
    rows = pd.DataFrame(cells, columns=["observed", "bound", "verdict"]).assign(
        claim="L.hessian", identity=["False", "False", "False", "True"], rounding=1e-12
    )
    figure = looseness(rows)
    lines = {line.get_label(): line.get_ydata() for line in figure.axes[0].get_lines()}
    assert np.allclose(lines["holds"], [0.5, 1.0])
    assert np.allclose(lines["refuted"], [1.1])
    assert figure.axes[0].get_title() == "L.hessian, 3 cells"
    assert looseness(rows.assign(bound=1e-13)) is None
