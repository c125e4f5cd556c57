"""Models written in Python: what they mean, against arrays, closed forms and matrix products."""

from fractions import Fraction
from itertools import product

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from grpo_checks.experiments.models.building.argument import chosen
from grpo_checks.experiments.models.building.model import Model
from grpo_checks.theory.evaluation.values import component_values, reward_law
from grpo_checks.theory.mdp.policy import LogLinear


def lookup():
    """The packaged model of this name, written by hand."""
    model = Model("lookup").component("accuracy", "7/10").component("executability", 0.3)
    for town in "AB":
        model.prompt(f"question {town}", start=f"{town}?")
        model.tool("look up", at=f"{town}?", to={f"{town} told": "2/3", "failed": Fraction(1, 3)})
        model.answer(town, reward={"accuracy": 1}, prompt=f"question {town}")
        model.reward({"executability": 1}, at=f"{town} told")
    return model.alike("question", ["A?", "B?"])


def test_the_same_arrays_as_by_hand():
    """Of the dense file, up to the order of its states."""
    instance, labels = lookup().build()
    dense = chosen("lookup").spec.loaded
    order = [labels.states.index(name) for name in ("A?", "B?", "A told", "B told", "failed")]
    same = dense.mdp, instance.mdp
    for theirs, ours in zip(*((m.reward, m.tool_transition, m.legal) for m in same), strict=True):
        axes = {4: (1,), 3: (0, 2), 2: (0,)}[ours.ndim]
        taken = np.asarray(ours)
        for axis in axes:
            taken = taken.take(order, axis)
        assert np.array_equal(taken, theirs)
    assert np.array_equal(instance.mdp.weights, dense.mdp.weights)
    assert np.array_equal(instance.mdp.prompt_distribution, dense.mdp.prompt_distribution)
    assert np.asarray(instance.policy.observation)[order].tolist() == [0, 0, 1, 3, 2]
    assert labels.actions == ["look up", "A", "B"]


def test_it_is_saved_and_loaded(tmp_path):
    """To an equal model, and arrays equal to the bit; numbers stay the fractions they were."""
    model = lookup().logit("question", "look up", -0.5)
    loaded = Model.load(model.save(tmp_path / "lookup.json") and tmp_path / "lookup.json")
    assert loaded == model
    for ours, theirs in zip(model.instance(), loaded.instance(), strict=True):
        assert str(ours) == str(theirs)
    assert np.asarray(loaded.instance().theta)[0].tolist() == [-0.5, 0, 0]
    assert '"failed": "1/3"' in (tmp_path / "lookup.json").read_text()
    from_file = chosen(str(tmp_path / "lookup.json"))
    assert from_file.labels == model.labels()
    assert from_file.spec == model.spec()


@jax.jit
def _law(mdp, policy, theta):
    return reward_law(mdp, policy.probs(theta))


@jax.jit
def _values(mdp, policy, theta):
    return component_values(mdp, policy.probs(theta))


A, B = Fraction(1, 10), Fraction(1, 4)


def test_noisy_verifiers():
    """E r = a + (1 - a - b) J, whatever the policy, and independent given the truth.

    The joint law on one side is that of the copies; on the other the truth's, passed through two
    channels by listing.
    """
    clean = lookup().build().instance
    model = lookup()
    for name in ("accuracy", "executability"):
        model.components[name] = model.components[name]._replace(false_positive=A, false_negative=B)
    noisy = model.build().instance
    assert noisy.theta.shape == clean.theta.shape
    assert noisy.mdp.depth.size == 9 * clean.mdp.depth.size
    theta = jnp.asarray(np.random.default_rng(5).normal(size=clean.theta.shape))
    truth, told = (np.asarray(_values(i.mdp, i.policy, theta)) for i in (clean, noisy))
    assert told == pytest.approx(float(A) + float(1 - A - B) * truth, abs=1e-14)
    laws = [np.asarray(_law(i.mdp, i.policy, theta)) for i in (clean, noisy)]
    vectors = [[tuple(map(int, v)) for v in np.asarray(i.mdp.class_vector)] for i in (clean, noisy)]
    passes = {1: float(1 - B), 0: float(A)}
    for v in product((0, 1), repeat=2):
        channel = [
            np.prod([passes[x] if y else 1 - passes[x] for x, y in zip(u, v, strict=True)])
            for u in vectors[0]
        ]
        assert laws[1][:, vectors[1].index(v)] == pytest.approx(laws[0] @ channel, abs=1e-14)


def test_units_keep_differences_of_composites():
    """Rewards in [-1, 3] of weight 2 differ as they were written, and start at 0."""
    model = Model("shifted").component("score", weight=2, units=(-1, 3)).prompt("q", start="s")
    rewards = {"a": -1, "b": "1/2", "c": 3}
    for answer, reward in rewards.items():
        model.answer(answer, reward=reward)
    model.answer("unsaid")
    mdp = model.instance().mdp
    composite = np.asarray(mdp.class_composite)[np.asarray(mdp.class_index)[0, 0]]
    assert composite.tolist() == [0, 2 * 1.5, 2 * 4, 2 * 1]


def test_depth_makes_copies():
    """A walk on a ring, whose states are met again: the law is a power of a matrix."""
    n_states, depth = 5, 6
    model = Model("ring", depth=depth).prompt("q", start="0")
    step = np.zeros((n_states, n_states))
    for s in range(n_states):
        model.tool("go", str(s), {str((s + 1) % n_states): "1/4", str(s): "3/4"})
        step[s, (s + 1) % n_states], step[s, s] = 0.25, 0.75
    model.answer("stop", last=True).reward(1, at="3")
    instance, labels = model.build()
    law = _law(*instance[1:4])
    assert np.asarray(law)[0, 1] == pytest.approx(np.linalg.matrix_power(step, depth)[0, 3])
    assert labels.states[:3] == ["0 @0", "1 @1", "0 @1"]
    assert instance.mdp.max_depth == depth


def test_features_and_what_is_not_reached():
    """A log-linear policy; a state that no policy reaches is told, and costs nothing."""
    model = Model("small").prompt("q", start="s").answer("yes", reward=1).answer("no")
    model.tool("wander", at="nowhere", to="beyond").feature("s", "yes", [1, "1/2"])
    instance, labels = model.start_at([0.5, 2]).build()
    assert isinstance(instance.policy, LogLinear)
    assert np.asarray(instance.policy.logits(instance.theta)).tolist() == [[0, 1.5, 0]]
    assert labels.unreachable == ["nowhere", "beyond"]
    assert labels.states == ["s"]
