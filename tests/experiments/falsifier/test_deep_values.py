"""Values of deep models against all episodes and all deterministic policies, in fractions."""

from fractions import Fraction
from itertools import product

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flint import arb, fmpq

from grpo_checks.experiments.claims.decomposition import gap
from grpo_checks.experiments.falsifier.deep.domain import DeepDomain, placed
from grpo_checks.experiments.falsifier.deep.model import deep_model
from grpo_checks.theory.arithmetic.enclose import enclose
from grpo_checks.theory.evaluation.optimum import best_values
from grpo_checks.theory.evaluation.values import component_values, prompt_values
from grpo_checks.theory.updates.policy_law import pair_moments

DOMAIN = DeepDomain(places=placed({}))
PLACES = DOMAIN.choices()


def document_at(place, largest=6):
    """A document of this shape."""
    x = 1.5 * np.random.default_rng(0).normal(size=DOMAIN.dimension(place))
    return DOMAIN.document(x, place, largest)


class Walk:
    """J_qk of a point by its episodes, written out in fractions from the fields of a document."""

    def __init__(self, document):
        read = lambda values: np.vectorize(Fraction, otypes=[object])(np.asarray(values, object))  # noqa: E731
        self.fields = {name: read(values) for name, values in document.items()}

    def odds(self, layer, state):
        """Of calls, then answers."""
        f = self.fields
        if "parameters" in f:
            powers = lambda phi: [np.prod(f["parameters"] ** row) for row in phi]  # noqa: E731
            calls = powers(f["tool_features"][layer, state]) if layer < self.depth else []
            return calls, powers(f["answer_features"][layer, state])
        row = min(state, f["answer_odds"].shape[1] - 1)
        calls = f["tool_odds"][layer, row] if layer < self.depth else []
        return list(calls), list(f["answer_odds"][layer, row])

    @property
    def depth(self):
        return len(self.fields["tool_transition"])

    def values(self, prompt):
        """(K,): E r."""
        start = self.fields["initial_distribution"][prompt]
        return self._from(prompt, 0, [(s, c / sum(start)) for s, c in enumerate(start)])

    def _from(self, prompt, layer, law):
        f, total = self.fields, 0
        for state, chance in law:
            calls, answers = self.odds(layer, state)
            every = sum(calls) + sum(answers)
            for y, odd in enumerate(answers):
                total = total + chance * odd / every * f["reward"][prompt, layer, state, y]
            for u, odd in enumerate(calls):
                row = f["tool_transition"][layer, state, u]
                below = [(t, chance * odd / every * c / sum(row)) for t, c in enumerate(row) if c]
                total = total + self._from(prompt, layer + 1, below)
        return total


@pytest.mark.parametrize("place", PLACES, ids=range(len(PLACES)))
def test_values_are_those_of_all_episodes(place):
    """Enclosed, they are the same fractions; in float64 next to them."""
    document = document_at(place)

    def values(p):
        mdp, policy, _ = deep_model(**p)
        return component_values(mdp, policy.given), prompt_values(mdp, policy.given)

    point = DOMAIN.read(document)
    components, composite = enclose(values)(point)
    expected = [Walk(document).values(q) for q in range(len(components))]
    weights = [Fraction(w) for w in document["weights"]]
    assert [[Fraction(str(x)) for x in row] for row in components] == [list(v) for v in expected]
    assert [Fraction(str(x)) for x in composite] == [v @ weights for v in expected]
    floats = jax.jit(values)({name: x.astype(float) for name, x in point.items()})
    np.testing.assert_allclose(floats[0], components.astype(float), rtol=1e-12)


def deterministic(document):
    """Every choice of an action in each of two layers of two states, one call and two answers."""
    one_hot = [[1, 0, 0], [0, 1, 0], [0, 0, 1]]
    for a, b, c, d in product(one_hot, one_hot, [[1, 0], [0, 1]], [[1, 0], [0, 1]]):
        table = {"tool_odds": [[a[:1], b[:1]]], "answer_odds": [[a[1:], b[1:]], [c, d]]}
        yield Walk({**document, **table})


def test_optima_are_those_of_all_deterministic_policies():
    """By backward induction, enclosed, against every choice of an action in each state."""
    document = document_at(PLACES[0])
    point = DOMAIN.read(document)

    def optimum(p):
        mdp = deep_model(**p).mdp
        return best_values(mdp, mdp.reward @ mdp.weights)

    weights = [Fraction(w) for w in document["weights"]]
    best = max(walk.values(0) @ weights for walk in deterministic(document))
    assert Fraction(str(enclose(optimum)(point)[0])) == best


@pytest.mark.parametrize("group_size", [4, 8])
def test_a_prompt_is_a_menu_of_its_policies(group_size):
    """T2.gap on one prompt is that of one decision between all 36 deterministic policies."""
    document = document_at(PLACES[0], 2)
    policies = [Walk(document), *deterministic(document)]
    calls = [[str(x) for x in walk.values(0)] for walk in policies]
    menu = {"calls": calls, "odds": [1] + [0] * 36, "weights": document["weights"]}
    decide = gap.CLAIM.exact.decide
    asked = ({"group_size": group_size, **d} for d in (document, menu))
    deep, listed = (decide(d, None) for d in asked)
    assert deep.verdict == listed.verdict == "holds"
    assert deep.observed == listed.observed
    assert arb(deep.bound).overlaps(arb(listed.bound))


@pytest.mark.parametrize("place", [PLACES[0], PLACES[-1]], ids=["table", "log-linear"])
def test_moments_of_an_update_are_enclosed(place):
    """What V of `leave_one_out` depends on, against automatic differentiation: grad J is that of
    the values, and every enclosure holds what float64 says."""
    point = DOMAIN.read(document_at(place))

    def moments(p):
        return pair_moments(*deep_model(**p))

    def slopes(p):
        mdp, policy, _ = deep_model(**p)
        plain = super(type(policy), policy).probs  # The softmax of theta.
        if "parameters" in p:
            theta = jnp.log(p["parameters"])
        else:
            theta = jnp.log(jnp.where(mdp.legal, policy.given, 1.0))
        return jax.jacrev(lambda t: prompt_values(mdp, plain(t)))(theta)

    enclosed = enclose(moments)(point)
    floats = {name: x.astype(float) for name, x in point.items()}
    size = len(enclosed.spread)
    expected = np.asarray(jax.jit(slopes)(floats)).reshape(size, -1)
    np.testing.assert_allclose(enclosed.gradient.astype(float), expected, rtol=1e-9, atol=1e-12)
    assert all(isinstance(x, fmpq) and x >= 0 for x in (*enclosed.spread, *enclosed.excess))
