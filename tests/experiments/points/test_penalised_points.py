"""L.amplification and L.tools: backward induction in float64, optimality, and what is refused."""

from itertools import pairwise

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flint import arb, fmpq
from helpers import choice_instance
from helpers.choice_instance import actions

from grpo_checks.experiments.claims.literature.amplification import CLAIM
from grpo_checks.experiments.claims.literature.amplification import STATEMENT as CERTAIN
from grpo_checks.experiments.claims.literature.tools import STATEMENT as RANDOM
from grpo_checks.experiments.falsifier.search import falsify
from grpo_checks.experiments.points.literature.penalised import chances
from grpo_checks.experiments.protocol.certificates import load_cases, path_of
from grpo_checks.theory.arithmetic.enclose import enclose
from grpo_checks.theory.evaluation.tilting import best_outcome, iterate, per_prompt
from grpo_checks.theory.numbers.balls import ends
from grpo_checks.theory.rational.choices.choice import parse_choice

BETA, EPS = fmpq(1, 2), fmpq(1, 100)
_iterate = eqx.filter_jit(iterate)


@jax.jit
def _reference(mdp, policy, theta):
    return per_prompt(mdp, policy.log_probs(theta))


_chances = enclose(lambda point: chances(**point))


def _document(seed):
    penalty = {"weights": [1], "beta": "1/2", "eps": "1/100", "iterate": 4}
    return {**choice_instance.document(seed), **penalty}


def _gain(p):
    return 1 / (BETA * arb(p * (1 - p) + EPS).sqrt())


@pytest.mark.parametrize("seed", range(3))
def test_chances_by_backward_induction(seed):
    """Four maximisers in a row, with outcomes at random; below h, certainly."""
    document = _document(seed)
    model = choice_instance.instance(document)
    listed = _chances(RANDOM.domain.read(document))
    reference = _reference(model.mdp, model.policy, model.theta)
    floats = _iterate(model.mdp, reference, best_outcome(model.mdp, 0), 0.5, 0.01, 4)
    np.testing.assert_allclose([float(ends(p)[0]) for p in listed], floats[:, 0], rtol=1e-12)
    start = listed[0]
    for before, after in pairwise(listed):
        assert after < 1 / (1 + (-_gain(before)).exp() * (1 - start) / start)
    decision = RANDOM.decide(document)
    assert decision.verdict == "holds"
    raised = arb(listed[-1] / (1 - listed[-1]) * (1 - start) / start).log()
    assert abs(decision.observed - raised) < 1e-60
    assert abs(decision.bound - _gain(listed[-2])) < 1e-60


def test_the_maximiser_is_the_best_policy():
    """E[A] - beta KL of two actions falls on both sides of it, certainly."""
    taken = [
        {"odds": odds, "outcomes": [{"share": s, "rewards": [r]} for s, r in ((won, 1), (lost, 0))]}
        for odds, won, lost in ((1, 4, 1), (3, 1, 4))
    ]
    document = {**_document(0), "prompts": [{"share": 1, "actions": taken}], "iterate": 1}
    of_actions = actions(parse_choice(document).kinds[0], [fmpq(1)])
    p, reached = _chances(RANDOM.domain.read(document))
    slope = 1 / arb(p * (1 - p) + EPS).sqrt()

    def objective(first):
        pairs = list(zip((first, 1 - first), of_actions, strict=True))
        kl = sum(x * (x / arb(a.chance)).log() for x, a in pairs)
        return slope * (sum(x * a.value for x, a in pairs) - p) - BETA * kl

    values = [a.value for a in of_actions]
    best = (reached - values[1]) / (values[0] - values[1])
    step = fmpq(1, 10**6)
    assert objective(best) > objective(best + step)
    assert objective(best) > objective(best - step)


def test_each_claim_leaves_the_other_its_points():
    """Whether outcomes are random decides; the reason is told."""
    (certain, *_), (random, *_) = (
        load_cases(path_of(f"L.{name}")) for name in ("amplification", "tools")
    )
    decision = CERTAIN.decide(random.document)
    assert (decision.verdict, decision.note) == (
        "assumption unmet",
        "outcomes are random: see L.tools",
    )
    decision = RANDOM.decide(certain.document, "reached")
    assert decision.verdict == "assumption unmet"
    assert decision.note == "outcomes are certain: see L.amplification"


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"beta": 0}, "beta = 0"),
        ({"eps": "-1/9"}, "eps = .-1/9"),
        ({"beta": "1/900"}, "beta = 1/900: expected a gain of at most 100"),
        ({"weights": [2]}, "weights = .*expected one component of weight 1"),
        ({"iterate": 9}, "iterate = 9"),
    ],
)
def test_bad_parameters(change, named):
    """The value is named; so is a gain beyond which success is certain."""
    with pytest.raises(ValueError, match=named):
        RANDOM.decide({**_document(1), **change})


def test_a_certain_reward_is_no_point():
    """There is nothing to whiten."""
    sure = [{"odds": 1, "outcomes": [{"share": 1, "rewards": [1]}]}] * 2
    with pytest.raises(ValueError, match="success is certain"):
        CERTAIN.decide({**_document(1), "prompts": [{"share": 1, "actions": sure}]})


def test_the_search_for_a_mutant_climbs_the_mutant():
    """Which differs at later iterates only: the true equation has nothing to climb."""
    search = CLAIM.exact.mutants["from the last policy"]
    late = next(c for c in search.choices if dict(c)["iterate"] == 2)
    x = jnp.asarray(np.random.default_rng(1).normal(size=search.dimension(late)))
    false, true = (jax.jit(s.ratio, static_argnums=1) for s in (search, CLAIM.exact.search))
    assert false(x, late) > 1 > true(x, late)
    assert falsify(CLAIM, minutes=30, seed=1, mutant="from the last policy").refuted
