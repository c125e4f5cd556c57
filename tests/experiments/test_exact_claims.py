"""Claims without sampling: T1.K and T1.budget, and how they could have come out."""

import json
from fractions import Fraction
from pathlib import Path

import jax
import numpy as np
import pytest

from experiments.claim import Scope
from experiments.claims import t1_budget, t1_g, t1_k
from experiments.instances import from_argument, named
from experiments.judging import rows_of
from theory.advantages import Estimator
from theory.group_law import plain_law
from theory.instances.bits import bits
from theory.update import update_moments

_moments = jax.jit(update_moments)
EXAMPLE = Path(t1_k.__file__).parents[1] / "examples" / "lookup.json"


def test_exponents_in_the_number_of_components():
    """1 for uncorrelated, 2 for perfectly correlated components, between them otherwise."""
    rows = t1_k.rows(Scope("quick"), {})
    exponents = {row.extra["correlation"]: row.observed for row in rows}
    assert abs(exponents[0.0] - 1) < 1e-10
    assert abs(exponents[1.0] - 2) < 1e-10
    assert 1.05 < exponents[0.25] < exponents[0.5] < 1.95
    assert [row.verdict for row in rows] == ["holds", "refuted", "refuted", "refuted"]


@pytest.mark.parametrize("correlation", t1_k.CORRELATIONS)
def test_variance_on_bits_in_whole_numbers(correlation):
    """Rational arithmetic and the sweep agree; G V = K/4 (62 G + 2)/(64 (G-1)) if uncorrelated."""
    g = t1_k.GROUP_SIZE
    law = plain_law(Estimator("leave_one_out"), g)
    for k in (1, 2, 6):
        exact = t1_k.exact_variance(k, Fraction(correlation))
        _, mdp, policy, theta, *_ = bits(k, correlation)
        found = _moments(mdp, policy, theta, law)
        assert np.isclose(float(found.variance), float(exact), rtol=1e-12)
        if correlation == 0:
            assert g * exact == Fraction(k, 4) * Fraction(62 * g + 2, 64 * (g - 1))


def test_budget_mutant_is_refuted():
    """The pair term matters: without it the best group size is off by more than one."""
    scope = Scope("quick", named("conflict", components=1, start=-2.0), "no pair term")
    assert [row.verdict for row in t1_budget.rows(scope, {})] == ["refuted"]


def test_budget_needs_prompts_that_differ():
    """With one prompt nothing is gained by more of them."""
    (row,) = t1_budget.rows(Scope("quick", named("bits", components=2)), {})
    assert row.verdict == "assumption unmet"


@pytest.mark.parametrize("claim", [t1_k.CLAIM])
def test_other_instances_leave_the_assumption_unmet(claim):
    """A claim about a family says nothing of another model."""
    (row,) = rows_of(claim, Scope("quick", named("coding", components=1)), {})
    assert row.verdict == "assumption unmet"


def test_budget_of_a_model_without_signal(tmp_path):
    """All rewards equal: nothing to compare, rather than a refutation."""
    content = json.loads(EXAMPLE.read_text())
    content["reward"] = [[[[1, 1]] * 2] * 5] * 2
    path = tmp_path / "constant.json"
    path.write_text(json.dumps(content))
    (row,) = t1_budget.rows(Scope("quick", from_argument(str(path))), {})
    assert row.verdict == "assumption unmet"


@pytest.mark.parametrize("mutant", [None, *t1_g.MUTANTS])
def test_limits_in_the_group_size(mutant):
    """Both limits to 1e-10, and neither without its floor or with half of it."""
    verdicts = [r.verdict for r in t1_g.rows(Scope("quick", mutant=mutant), {})]
    expected = {None: ["holds", "holds"], "no floor": ["holds", "refuted"]}
    assert verdicts == expected.get(mutant, ["refuted", "holds"])
