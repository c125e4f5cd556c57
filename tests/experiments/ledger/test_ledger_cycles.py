"""Facts on cycles: shares of the survey with limits, and exponents of a known power."""

import numpy as np
import pandas as pd
from scipy import stats

from grpo_checks.experiments.claims.stationarity.facts import exponents
from grpo_checks.experiments.ledger.facts.survey import survey


def test_shares_of_the_survey_have_limits():
    """Clopper and Pearson's, whose ends are quantiles of beta laws."""
    records = pd.DataFrame(
        {
            "model": range(200),
            "group_size": 2,
            "goes round": [1] * 3 + [0] * 197,
            "zero": 0,
            "undecided": 0,
            "winner": [False] * 5 + [True] * 195,
            "prompts": [3, 1, 3] + [1] * 197,
        }
    )
    facts = survey(records)
    low, high = (100 * stats.beta.ppf(q, a, b) for q, a, b in ((0.005, 3, 198), (0.995, 4, 197)))
    assert f"1.50% [{low:.2f}, {high:.2f}]" in facts["table"]
    assert f"0.00% [0.00, {100 * (1 - 0.005 ** (1 / 200)):.2f}]" in facts["table"]
    assert "| 2 | one | 198 | 0.51% " in facts["table"]
    assert facts["single"] == 1
    assert (facts["beaten"], facts["both"], facts["rounds"], facts["shared"]) == (5, 3, 3, 2)


def test_exponents_of_known_powers():
    """bound = K^2/sqrt(G), observed = K/G: two less in K for rewards with R_max = 1."""
    cells = [(k, 8) for k in (1, 2, 4)] + [(3, g) for g in (2, 4, 8)]
    k, g = np.array(cells, float).T
    data = pd.DataFrame(
        {
            "instance": "bits",
            "n_steps": 10_000,
            "components": k,
            "group_size": g,
            "bound": k**2 / np.sqrt(g),
            "observed": k / g,
        }
    )
    lines = str(exponents(data)["table"]).splitlines()[2:]
    assert lines[0] == "| bits | K | 2.00 | 1.00 | 0.00 | -1.00 |"
    assert lines[1] == "| bits | G | -0.50 | -1.00 | -0.50 | -1.00 |"
