"""T3.depth at rational points, against listed episodes: both kinds, layers of any sizes, zeros."""

from copy import deepcopy

import jax
import numpy as np
import pytest
from flint import fmpq
from helpers import listed_layers

from grpo_checks.experiments.points.generalization.depth import STATEMENT
from grpo_checks.experiments.points.generalization.layers import read_layers

EXACT = STATEMENT.exact()
CALLS = {None: lambda d: d, "half of the depth": lambda d: fmpq(d, 2), "no depth": lambda d: 1}


def random_layers(rng, kind, sizes, prompts=2, answers=2, zeros=True):
    """A document with layers of these sizes; some chances are 0 where that leaves KL finite."""

    def odds(count, least=1):
        row = rng.integers(least, 5, count).tolist()
        return row if any(row) else [1] * count

    layers = []
    for h, size in enumerate(sizes):
        last = h == len(sizes) - 1
        layer = []
        for _ in range(size):
            state = {f: odds(answers + (not last)) for f in ("policy", "other")}
            if zeros and not last:
                state["policy"][0] = 0
            if not last:
                state |= {f: odds(sizes[h + 1], 0) for f in ("source", "target")}
            state["reward"] = [
                [f"{x}/6" for x in rng.integers(0, 7, answers)] for _ in range(prompts)
            ]
            layer.append(state)
        layers.append(layer)
    laws = {f: odds(prompts, 0) for f in ("source", "target")}
    return {"kind": kind, **laws, "start": [odds(sizes[0], 0) for _ in range(prompts)],
            "layers": layers}  # fmt: skip


@pytest.mark.parametrize("sizes", [(1,), (2, 1), (1, 3, 2)], ids=str)
def test_gaps_of_value(sizes):
    """Both sides of the claim and its false versions, as fractions."""
    document = random_layers(np.random.default_rng(len(sizes)), "value", sizes)
    values = [listed_layers.value(document, side) for side in ("source", "target")]
    for mutant, calls in CALLS.items():
        decision = EXACT.decide(document, mutant)
        bound = listed_layers.bound(document, calls(len(sizes) - 1))
        gap = abs(values[0] - values[1])
        assert decision.observed == gap
        assert decision.bound == (bound if bound < 1 or gap > bound else 1)
        expected = "refuted" if gap > bound else "holds" if bound < 1 else "vacuous"
        assert decision.verdict == expected


@pytest.mark.parametrize("sizes", [(1,), (2, 1), (1, 3, 2)], ids=str)
def test_divergences_of_episodes(sizes):
    """The largest over prompts is that of listed episodes, and the bound H times that of a step."""
    document = random_layers(np.random.default_rng(len(sizes)), "KL of episodes", sizes)
    decision = EXACT.decide(document, None)
    episodes, steps = listed_layers.divergences(document)
    observed = max((x.value for x in episodes), key=float)
    bound = len(sizes) * max((x.value for x in steps), key=float)
    assert decision.verdict == "holds"
    assert float(decision.observed) == pytest.approx(float(observed), rel=1e-14)
    assert (decision.observed - observed).contains(0)
    assert (decision.bound - bound).contains(0)


def test_equal_divergences_are_seen():
    """One decision is its own step, to all digits; a second policy that is another one is not."""
    document = random_layers(np.random.default_rng(1), "KL of episodes", (1,), prompts=1)
    decision = EXACT.decide(document, None)
    assert (decision.verdict, decision.note) == ("holds", "equal")
    two = random_layers(np.random.default_rng(1), "KL of episodes", (2,), prompts=1)
    assert EXACT.decide({**two, "start": [[1, 1]]}, None).note == ""


def test_where_a_step_is_excluded():
    """KL is infinite, and says nothing; an action that neither policy takes is harmless."""
    document = random_layers(np.random.default_rng(2), "KL of episodes", (1, 2))
    excluded = deepcopy(document)
    excluded["layers"][1][0]["other"] = [1, 0]
    decision = EXACT.decide(excluded, None)
    assert (decision.verdict, decision.note) == ("vacuous", "KL of a step is infinite")
    excluded["layers"][1][0]["policy"] = [1, 0]
    assert EXACT.decide(excluded, None).verdict == "holds"


def test_documents_of_the_search():
    """Points of every place, and all that is simpler, are read; a float is near its fraction."""
    rng, search = np.random.default_rng(1), EXACT.search
    climbed = jax.jit(search.ratio, static_argnums=1)
    for at in search.choices[1::3]:
        x = rng.normal(size=search.dimension(at))
        document = search.document(x, at, 100_000)
        decision = EXACT.decide(document, None)
        if decision.verdict == "holds":
            ratio = float(decision.observed) / float(decision.bound)
            assert ratio == pytest.approx(float(climbed(x, at)), abs=1e-3)
        listed = list(EXACT.simpler(document))
        assert listed
        for smaller in listed:
            read_layers(smaller)


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (lambda d: d.pop("start"), "start: missing"),
        (lambda d: d["start"].append([1]), "start: expected one entry for each of 2 prompts"),
        (lambda d: d["target"].append(1), "target: expected 2 shares"),
        (lambda d: d["start"].__setitem__(0, [1, 1]), "start: expected 1 shares"),
        (lambda d: d["layers"][0][0]["source"].append(1), r"layers\[0\].source: expected 2 shares"),
        (lambda d: d["layers"][0][0].pop("target"), "target: missing"),
        (lambda d: d["layers"][1][0].update(source=[1]), r"layers\[1\].source: expected none"),
        (lambda d: d["layers"][1][0]["policy"].append(1), r"layers\[1\].policy: expected 2 shares"),
        (lambda d: d["layers"][1][1]["reward"].pop(), r"layers\[1\].reward: expected one number"),
        (lambda d: d["layers"][0][0].update(reward=[[0, 2], [0, 0]]), r"layers\[0\].reward"),
        (lambda d: d.update(layers=[]), "layers = "),
    ],
)
def test_bad_documents(change, named):
    """The field, and of a state its layer."""
    document = random_layers(np.random.default_rng(0), "value", (1, 2))
    change(document)
    with pytest.raises(ValueError, match=named):
        EXACT.decide(document, None)
