"""Runs as finite Markov chains, against a listing of all episodes of all steps in floats."""

from itertools import product
from math import exp, log, sqrt

import numpy as np
import pytest
from flint import arb, fmpq

from grpo_checks.theory.estimators.advantages import Estimator
from grpo_checks.theory.instances.conflict import MAXIMUM
from grpo_checks.theory.numbers.balls import ends, root
from grpo_checks.theory.numbers.surds import Packing, added, root_of, scaled
from grpo_checks.theory.rational.choices.update import update
from grpo_checks.theory.rational.lines import chain as lattice_path
from grpo_checks.theory.rational.lines.chain import Chain
from grpo_checks.theory.rational.lines.conflict import conflict_line
from grpo_checks.theory.rational.lines.line import at, parse_line, potential, value
from grpo_checks.theory.rational.lines.update import moves

ESTIMATORS = ("leave_one_out", "mean_baseline", "group_normalized", "componentwise_normalized")
SURE = [{"share": 1, "rewards": ["1/2", 1]}]
LOTTERY = [{"share": 1, "rewards": [1, 0]}, {"share": 2, "rewards": [0, "1/3"]}]
MODEL = {
    "weights": [1, "1/2"],
    "prompts": [
        {"share": 2, "slope": 1, "actions": [{"outcomes": SURE}, {"outcomes": LOTTERY}]},
        {"share": 1, "slope": -2, "actions": [{"outcomes": LOTTERY}, {"outcomes": SURE}]},
    ],
}
ODDS, STEP = fmpq(3, 4), fmpq(1, 3)


def _chain(line, size, name, odds=ODDS, step=STEP, **more):
    every = [moves(line, q, size, Estimator(name)) for q in range(len(line.prompts))]
    return Chain(line, odds, step, size, every, **more)


def _advantages(rewards, weights, name):
    composites = rewards @ weights
    if name == "mean_baseline":
        return composites - composites.mean()
    if name == "leave_one_out":
        return len(rewards) / (len(rewards) - 1) * (composites - composites.mean())
    columns = composites[:, None] if name == "group_normalized" else rewards
    sd = columns.std(0)
    scaled_columns = np.where(sd > 1e-12, (columns - columns.mean(0)) / np.maximum(sd, 1e-12), 0.0)
    return scaled_columns @ (np.ones(1) if name == "group_normalized" else weights)


def _updates(line, x, size, name):
    """All updates at a logit with their chances: episode by episode, prompt by prompt."""
    weights, values = np.array(line.weights, float), []
    for prompt in line.prompts:
        p = 1 / (1 + exp(-prompt.slope * x))
        episodes = [
            (chance * float(share), np.array(rewards, float), score)
            for chance, score, action in (
                (p, prompt.slope * (1 - p), prompt.actions[0]),
                (1 - p, -prompt.slope * p, prompt.actions[1]),
            )
            for share, rewards in action
        ]
        listed = []
        for group in product(episodes, repeat=size):
            every = _advantages(np.array([r for _, r, _ in group]), weights, name)
            g = float(every @ [s for *_, s in group]) / size
            listed.append((float(np.prod([c for c, *_ in group])), float(prompt.chance) * g))
        values.append(listed)
    return [(a * b, g + h) for (a, g), (b, h) in product(*values)]


def _gradient(line, x):
    z, step = exp(x), 1e-6
    high, low = (float(value(line, arb(z * exp(d)))) for d in (step, -step))
    return (high - low) / (2 * step)


@pytest.mark.parametrize("name", ESTIMATORS)
def test_two_steps_against_all_episodes(name):
    """Two prompts, two components, random rewards: no closed form is left to share."""
    line, start, size = parse_line(MODEL), log(float(ODDS)), 2
    laws = [(1.0, start)]
    sums = np.zeros(3)
    for _ in range(2):
        after = []
        for mass, x in laws:
            listed, steep = _updates(line, x, size, name), _gradient(line, x)
            mean = sum(c * g for c, g in listed)
            variance = sum(c * g * g for c, g in listed) - mean**2
            sums += mass * np.array([steep**2, (mean - steep) ** 2, variance]) / 2
            after += [(mass * c, x + float(STEP) * g) for c, g in listed]
        merged = {}
        for mass, x in after:
            merged[round(x, 12)] = merged.get(round(x, 12), 0.0) + mass
        laws = [(mass, x) for x, mass in merged.items()]
    gain = sum(m * float(value(line, arb(exp(x)))) for m, x in laws) - float(value(line, ODDS))
    averaged = _chain(line, size, name).run(2)
    np.testing.assert_allclose([float(x) for x in averaged], [*sums, gain], atol=1e-9)


@pytest.mark.parametrize("size", [2, 3, 5])
@pytest.mark.parametrize("name", ESTIMATORS)
def test_one_step_against_the_listing_of_groups(name, size):
    """m and V of the first update, rational or in overlapping balls."""
    line = parse_line(MODEL)
    listed = update(at(line, ODDS), size, Estimator(name))
    averaged = _chain(line, size, name).run(1)
    gradient = _chain(line, size, name).site(0).gradient
    off = listed.mean[0] - gradient
    for one, other in ((averaged.variance, listed.variance), (averaged.squared_bias, off * off)):
        low, high = ends(arb(one - other))
        assert low <= 0 <= high
        assert high - low < 1e-60


def test_potential_is_followed_without_bias():
    """E[g] of `componentwise_normalized` is grad Jtilde on the whole way; J of J at the optimum."""
    chain = _chain(conflict_line(), 3, "componentwise_normalized", fmpq(1), objective=potential(3))
    averaged = chain.run(10)
    assert abs(averaged.squared_bias) < fmpq(1, 10**60)
    assert float(value(conflict_line(), fmpq(346, 1000))) == pytest.approx(MAXIMUM, abs=1e-6)


def test_dropped_states_widen_the_enclosures(monkeypatch):
    """With most states dropped the exact averages are still inside."""
    line = conflict_line()
    exact = _chain(line, 2, "leave_one_out", fmpq(1), fmpq(1)).run(30)
    monkeypatch.setattr(lattice_path, "FORGOTTEN", fmpq(1, 1000))
    wide = _chain(line, 2, "leave_one_out", fmpq(1), fmpq(1)).run(30)
    for one, other in zip(wide, exact, strict=True):
        low, high = ends(one)
        assert low <= ends(other)[0] <= ends(other)[1] <= high
        assert high > low


def test_too_long(monkeypatch):
    """The field is named."""
    chain = _chain(conflict_line(), 2, "leave_one_out")
    with pytest.raises(ValueError, match="n_steps = 10000000"):
        chain.run(10**7)
    monkeypatch.setattr(lattice_path, "MAX_VISITS", 10)
    with pytest.raises(ValueError, match="visits"):
        chain.run(20)
    with pytest.raises(ValueError, match="within groups"):
        moves(conflict_line(), 0, 2, Estimator("batch_scaled"))


def test_sums_of_roots():
    """Packed and unpacked: large denominators, both signs, one coordinate for each root."""
    pulls = [root_of(fmpq(1, 3)), scaled(root_of(fmpq(8)), fmpq(-7, 99991)), root_of(fmpq(9, 4))]
    packing = Packing(set(pulls))
    state = sum(n * packing.packed(pull) for n, pull in zip((5, 2, 1), pulls, strict=True))
    expected = 5 / sqrt(3) - 14 * sqrt(8) / 99991 + 1.5
    assert float(packing.unpacked(state)) == pytest.approx(expected, rel=1e-14)
    assert added(pulls[0], scaled(pulls[0], fmpq(-1))).terms == ()
    assert root_of(fmpq(12, 7)).number() * root(fmpq(7)) - root(fmpq(12)) < fmpq(1, 10**60)
    with pytest.raises(ValueError, match="square = -1"):
        root_of(fmpq(-1))
