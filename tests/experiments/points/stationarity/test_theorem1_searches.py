"""What falsifiers of Theorem 1 climb on is what is decided: at random points, and in one search."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from grpo_checks.experiments.claims.catalogue import find
from grpo_checks.experiments.falsifier.search import certified_ratio, falsify
from grpo_checks.experiments.falsifier.statement import TINY
from grpo_checks.experiments.points.stationarity import bias
from grpo_checks.experiments.points.stationarity.path_search import (
    DESCENT,
    PATH,
    RATE,
    SHARP_RATE,
    SURROGATE,
)

FINE = 100_000


_ratio = jax.jit(lambda x, ratio, choice: ratio(x, choice), static_argnums=(1, 2))


def _both(exact, choice, rng, fine=FINE):
    search = exact.search
    x = rng.normal(size=search.dimension(choice))
    decision = exact.decide(search.document(x, choice, fine), None)
    assert decision.verdict in ("holds", "refuted")
    # One compilation, where each operation alone would be one.
    return float(_ratio(jnp.asarray(x), search.ratio, choice)), decision


@pytest.mark.parametrize("exact", [RATE, PATH, SURROGATE, DESCENT, SHARP_RATE])
def test_runs(exact):
    """All paths in JAX, and merged in balls: observed over bound agree."""
    rng = np.random.default_rng(0)
    for choice in exact.search.choices[1:3]:
        ratio, decision = _both(exact, choice, rng)
        assert ratio == pytest.approx(certified_ratio(decision), rel=2e-3)


@pytest.mark.parametrize("exact", [find("T1.K").exact, find("T1.curl").exact])
def test_components_and_curls(exact):
    """The float ratio is the certified one."""
    rng = np.random.default_rng(1)
    for choice in exact.search.choices[:1]:
        ratio, decision = _both(exact, choice, rng)
        assert ratio == pytest.approx(certified_ratio(decision), rel=2e-2, abs=2e-3)


def test_fair_lotteries():
    """|E[g]|^2, by listing groups in either arithmetic."""
    rng = np.random.default_rng(2)
    for choice in bias.EXACT.search.choices[1:3]:
        observed, decision = _both(bias.EXACT, choice, rng, 300)
        assert observed == pytest.approx(float(decision.observed) / TINY, rel=2e-2)


@pytest.mark.parametrize("name", ["T1.bias", "T1.K"])
def test_found_without_a_hint(name):
    """And shrunk: at most two actions, denominators up to 20."""
    result = falsify(find(name), minutes=30, seed=3)
    assert result.refuted
    actions = result.document.get("fair", result.document.get("actions"))
    assert len(actions) <= 2
    numbers = [str(x) for action in actions for x in action.values()]
    assert all(int(text.split("/")[-1]) <= 20 for text in numbers)


def test_identities_of_group_sizes():
    """T1.G at random points: 0, in floats below 1e-10; T1.budget: the distance."""
    rng = np.random.default_rng(4)
    limit, budget = find("T1.G").exact, find("T1.budget").exact
    for choice in limit.search.choices[:2]:
        observed, decision = _both(limit, choice, rng)
        assert observed < 1
        assert decision.observed == 0
    observed, decision = _both(budget, budget.search.choices[0], rng)
    assert observed == pytest.approx(float(decision.observed), abs=1e-2)
