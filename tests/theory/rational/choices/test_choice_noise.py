"""The noise of `leave_one_out` in rational numbers, by sums over pairs of episodes: an oracle for
listed groups, the float64 formulas and what is enclosed.
"""

from typing import NamedTuple

import jax
import numpy as np
import pytest
from flint import fmpq
from helpers import choice_instance
from helpers.choice_instance import full_gradient, gradient, mean_reward

from grpo_checks.experiments.claims.literature.baseline import STATEMENT as BASELINE
from grpo_checks.experiments.claims.literature.mse import STATEMENT as MSE
from grpo_checks.experiments.claims.stationarity.budget import STATEMENT as BUDGET
from grpo_checks.experiments.claims.stationarity.group_size import STATEMENT as LIMIT
from grpo_checks.experiments.claims.stationarity.group_size import variance_and_terms
from grpo_checks.theory.arithmetic.enclose import enclose
from grpo_checks.theory.estimators.advantages import Estimator
from grpo_checks.theory.estimators.group_law import group_law
from grpo_checks.theory.evaluation.episode_listing import list_episodes
from grpo_checks.theory.numbers.balls import total
from grpo_checks.theory.rational.choices.choice import composite, parse_choice
from grpo_checks.theory.rational.choices.update import update
from grpo_checks.theory.updates.budget import budget_terms
from grpo_checks.theory.updates.ustatistic import listed_error
from grpo_checks.theory.updates.ustatistic import noise as listed_noise

UNBIASED = Estimator("leave_one_out")


class _Noise(NamedTuple):
    """Of one prompt: a, b and the least error, as ``theory.updates.ustatistic`` names them."""

    oracle: fmpq
    pairs: fmpq
    best: fmpq
    baseline: fmpq
    """The best constant; the value where the score is always zero."""

    def error(self, size):
        """((G-2) a + 2 b)/(G(G-1))."""
        return ((size - 2) * self.oracle + 2 * self.pairs) / (size * (size - 1))


def _square(vector):
    return total(x * x for x in vector)


def _baseline_error(kinds, weights, baseline):
    """E|(R-c) s|^2 - |grad J|^2."""
    terms = (
        k.chance * (composite(k.rewards, weights) - baseline) ** 2 * _square(k.score) for k in kinds
    )
    return total(terms) - _square(gradient(kinds, weights))


def _noise(kinds, weights):
    """By sums over kinds of episodes and over pairs of them."""
    value = mean_reward(kinds, weights)
    fisher = total(k.chance * _square(k.score) for k in kinds)
    lean = total(k.chance * composite(k.rewards, weights) * _square(k.score) for k in kinds)
    best = lean / fisher if fisher > 0 else value
    pairs = total(
        mine.chance
        * other.chance
        * (composite(mine.rewards, weights) - composite(other.rewards, weights)) ** 2
        * _square([a - b for a, b in zip(mine.score, other.score, strict=True)])
        for mine in kinds
        for other in kinds
    )
    return _Noise(
        _baseline_error(kinds, weights, value),
        pairs / 4 - _square(gradient(kinds, weights)),
        _baseline_error(kinds, weights, best),
        best,
    )


def _between(choice):
    """f = Var_q(grad J_q)."""
    mean = full_gradient(choice)
    gradients = [gradient(kinds, choice.weights) for kinds in choice.kinds]
    spread = [_square([x - y for x, y in zip(g, mean, strict=True)]) for g in gradients]
    return total(rho * x for rho, x in zip(choice.prompt_chance, spread, strict=True))


def test_against_listed_episodes():
    """a, b, the least error and its baseline; and the error over count vectors."""
    document = choice_instance.document(0, components=2, binary=False)
    choice, model = parse_choice(document), choice_instance.instance(document)
    listed = list_episodes(model.mdp, model.policy, model.theta)[0]
    moments, floats = _noise(choice.kinds[0], choice.weights), listed_noise(listed)
    for name in ("oracle", "pairs", "best", "baseline"):
        assert np.isclose(float(getattr(moments, name)), getattr(floats, name), rtol=1e-11)
    group = group_law(model.mdp, 3, UNBIASED, "counts")
    assert np.isclose(float(moments.error(3)), listed_error(listed, group), rtol=1e-11)


@pytest.mark.parametrize("size", [2, 3, 4])
def test_the_formula_is_exact(size):
    """Equal rationals: variance over all groups; and no bias."""
    choice = parse_choice(choice_instance.document(5, binary=False))
    moments = update(choice, size, UNBIASED)
    assert moments.variance == _noise(choice.kinds[0], choice.weights).error(size)
    assert list(moments.mean) == full_gradient(choice)


def test_the_best_baseline_is_least():
    """Errors at other baselines are larger; among others at the value."""
    choice = parse_choice(choice_instance.document(2))
    (kinds,), moments = choice.kinds, _noise(choice.kinds[0], choice.weights)
    for step in (fmpq(1, 100), fmpq(-1, 100)):
        assert _baseline_error(kinds, choice.weights, moments.baseline + step) > moments.best
    assert moments.oracle > moments.best > 0


@pytest.mark.parametrize("seed", range(3))
def test_the_statements_say_the_same_fractions(seed):
    """Both sides of L.mse and L.baseline, which are enclosed JAX, with ragged outcomes too."""
    document = choice_instance.document(seed, components=2, binary=False)
    if seed == 2:
        document["prompts"][0]["actions"][1]["outcomes"].pop()
    choice = parse_choice(document)
    terms = _noise(choice.kinds[0], choice.weights)
    decision = MSE.decide({**document, "group_size": 3})
    variance = update(choice, 3, UNBIASED).variance
    assert (decision.observed, decision.bound) == (variance, terms.error(3))
    decision = BASELINE.decide(document)
    assert (decision.observed, decision.bound) == (terms.oracle, terms.best)
    assert decision.note.endswith(f"as baseline, {terms.best} with {terms.baseline}")


TWO = choice_instance.document(1, binary=False)
TWO["prompts"] += choice_instance.document(6, binary=False)["prompts"]
for action, odds in zip(TWO["prompts"][1]["actions"], (5, 2, 3), strict=True):
    action["odds"] = odds  # As at the first prompt.
_variance_and_terms = enclose(lambda point: variance_and_terms(**point))


@pytest.mark.parametrize("drawn", [False, True])
@pytest.mark.parametrize("shared", [False, True])
def test_terms_of_several_prompts(drawn, shared):
    """V, f, a and 2b - a of T1.G and T1.budget, which are enclosed JAX; of a shared table too."""
    document = {**TWO, "shared": shared, "group_size": 3, "drawn": drawn}
    choice = parse_choice(document)
    rho, terms = choice.prompt_chance, [_noise(kinds, choice.weights) for kinds in choice.kinds]
    shares = rho if drawn else [x * x for x in rho]
    variance, moments = _variance_and_terms(LIMIT.domain.read(document))
    floor = _between(choice)
    assert tuple(moments) == (
        floor,
        total(x * t.oracle for x, t in zip(shares, terms, strict=True)),
        total(x * (2 * t.pairs - t.oracle) for x, t in zip(shares, terms, strict=True)),
    )
    if drawn:
        by_prompt = total(x * t.error(3) for x, t in zip(rho, terms, strict=True))
        assert variance == by_prompt + floor
    else:
        assert variance == update(choice, 3, UNBIASED).variance
    assert LIMIT.decide(document).verdict == "holds"


def test_terms_in_floats():
    """By central moments."""
    terms = jax.jit(budget_terms)(*choice_instance.instance(TWO)[1:4])
    point = LIMIT.domain.read({**TWO, "group_size": 2, "drawn": True})
    _, moments = _variance_and_terms(point)
    np.testing.assert_allclose(terms, [float(x) for x in moments], rtol=1e-12)


def test_where_no_group_size_is_best():
    """One gradient for all prompts; or another gradient that is met so rarely that G* is large."""
    alike = {**TWO, "prompts": [TWO["prompts"][0]] * 2, "shared": True}
    assert BUDGET.decide(alike).verdict == "assumption unmet"
    first, second = TWO["prompts"]
    with pytest.raises(ValueError, match="the best group size is not below 9"):
        BUDGET.decide({**TWO, "prompts": [first, {**second, "share": "1/1000000"}]})


def test_too_many_groups_are_refused():
    """Instead of being listed."""
    document = choice_instance.document(0)
    document["prompts"][0]["actions"][0]["outcomes"] *= 9
    with pytest.raises(ValueError, match="group_size = 16: too many"):
        MSE.decide({**document, "group_size": 16})


def test_one_answer_has_no_noise():
    """All scores are zero, and so is what divides them."""
    only = [{"odds": 1, "outcomes": [{"share": 1, "rewards": [r]} for r in (0, 1)]}]
    decision = BASELINE.decide({"weights": [1], "prompts": [{"share": 1, "actions": only}]})
    assert (decision.observed, decision.bound, decision.verdict) == (0, 0, "holds")
