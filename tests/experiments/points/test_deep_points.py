"""Claims on deep models: decided as by listed episodes, and false versions found."""

import json
from pathlib import Path

import jax
import numpy as np
import pytest
from flint import fmpq
from helpers import listed_layers

from grpo_checks.experiments.claims.decomposition import gap, kappa, zero
from grpo_checks.experiments.claims.generalization import depth, ood
from grpo_checks.experiments.claims.stationarity import floor, rate
from grpo_checks.experiments.falsifier import search
from grpo_checks.experiments.falsifier.search import certified_ratio, falsify
from grpo_checks.experiments.points.decomposition.deep import on_plane
from grpo_checks.theory.arithmetic.enclose import enclose, exact

CLAIMS = {c.CLAIM.name: c.CLAIM for c in (gap, kappa, zero, depth, ood, rate)}
DATA = Path(__file__).parents[2] / "data" / "deep_counterexamples.json"
COUNTEREXAMPLES = json.loads(DATA.read_text())
SMALL = {
    "prompt_distribution": [3, 1],
    "initial_distribution": [[1, 2], [4, 1]],
    "tool_transition": [[[[1, 3]], [[2, 1]]]],
    "reward": [
        [[[[0, 1], ["1/2", "1/3"]], [[1, 0], [0, 0]]], [[[1, "1/4"], [0, 1]], [[0, 1], [1, 0]]]],
        [[[[1, 1], [0, "1/3"]], [[0, 0], [1, 0]]], [[["2/3", 0], [1, 1]], [[1, 0], [0, 0]]]],
    ],
    "weights": [1, 2],
    "tool_odds": [[[1], [3]]],
    "answer_odds": [[[1, 2], ["1/2", 1]], [[3, 1], [1, 1]]],
}


@pytest.mark.parametrize("name", CLAIMS)
def test_floats_and_enclosures_are_one_function(name):
    """The ratio that is climbed is the certified one, at a point rounded finely."""
    deep = CLAIMS[name].exact.deep
    for choice in deep.search.choices[:: len(deep.search.choices) - 1]:
        x = np.random.default_rng(3).normal(size=deep.search.dimension(choice))
        decision = deep.decide(deep.search.document(x, choice, 10**6), None)
        assert decision.verdict in ("holds", "vacuous")
        if decision.verdict == "holds" and decision.bound > 0:
            ratio = float(jax.jit(deep.search.ratio, static_argnums=1)(x, choice))
            assert certified_ratio(decision) == pytest.approx(ratio, rel=1e-3, abs=1e-6)


@pytest.mark.parametrize("case", COUNTEREXAMPLES, ids=lambda case: case["mutant"])
def test_counterexamples_on_deep_models(case):
    """The smallest that were found: false versions are refuted there, and the claim is not."""
    decide = CLAIMS[case["claim"]].exact.decide
    assert decide(case["document"], case["mutant"]).verdict == "refuted"
    assert decide(case["document"], None).verdict in ("holds", "vacuous")


@pytest.mark.parametrize(
    ("name", "mutant"), [("T2.zero", "G = 4 too"), ("T3.depth", "half of the depth")]
)
def test_a_false_statement_is_found_on_deep_models(name, mutant, monkeypatch):
    """Not shrunk here, which takes longer than to find it."""
    monkeypatch.setattr(search, "shrunk", lambda document, *_: document)
    result = falsify(CLAIMS[name], minutes=30, mutant=mutant, deep=True)
    assert result.refuted
    assert CLAIMS[name].exact.decide(result.document, mutant).verdict == "refuted"


def _layered(document):
    """The same point of T3.depth, one answer a state and one component, as layers of states."""
    tools, answers = document["tool_odds"], document["answer_odds"]
    layers = []
    for h, rows in enumerate(answers):
        layer = []
        for s, row in enumerate(rows):
            called = tools[h][s] if h < len(tools) else []
            state = {"policy": [*row, *called]}
            state["reward"] = [[y[0] for y in q[h][s]] for q in document["reward"]]
            if h < len(tools):
                fields = {"source": "tool_transition", "target": "target_transition"}
                state |= {f: document[name][h][s][0] for f, name in fields.items()}
            layer.append(state)
        layers.append(layer)
    laws = {"source": document["prompt_distribution"], "target": document["target"]}
    return {"kind": "value", "start": document["initial_distribution"], "layers": layers, **laws}


@pytest.mark.parametrize("mutant", [None, "half of the depth", "no depth"])
def test_depth_by_listed_episodes(mutant):
    """Both sides are the same fractions as where episodes are listed."""
    one = [[[[y[:1] for y in s] for s in layer] for layer in q] for q in SMALL["reward"]]
    document = {**SMALL, "reward": one, "weights": [1], "target": [4, 1]}
    document["target_transition"] = [[[[1, 4]], [[2, 1]]]]
    decision, layered = depth.CLAIM.exact.decide(document, mutant), _layered(document)
    source, target = (listed_layers.value(layered, side) for side in ("source", "target"))
    calls = {None: fmpq(1), "half of the depth": fmpq(1, 2), "no depth": fmpq(1)}[mutant]
    bound = listed_layers.bound(layered, calls)
    assert (decision.observed, decision.bound) == (abs(source - target), bound)
    in_layers = depth.CLAIM.exact.decide(layered, mutant)
    assert in_layers == decision


def test_rewards_on_a_plane():
    """Moved there, exactly, they stay in the unit cube; those on it stay where they are."""
    rng = np.random.default_rng(0)
    cube = [[fmpq(int(n), 6) for n in row] for row in rng.integers(0, 7, (40, 3))]
    slopes, level = exact([1, 2, "1/3"]), fmpq(2, 5)
    moved = enclose(on_plane)(exact(cube), slopes, level)
    assert {*(moved @ slopes)} == {level * sum(slopes)}
    assert all(0 <= x <= 1 for x in moved.flat)
    assert (enclose(on_plane)(moved, slopes, level) == moved).all()


def test_what_is_not_asked_on_deep_models_is_named():
    """A claim without a search there, and a false version that is none at T = 1."""
    with pytest.raises(ValueError, match=r"a search space of deep models"):
        falsify(floor.CLAIM, minutes=0.01, deep=True)
    with pytest.raises(ValueError, match=r"mutant = 'exponent': expected one of deep models"):
        falsify(rate.CLAIM, minutes=0.01, mutant="exponent", deep=True)
