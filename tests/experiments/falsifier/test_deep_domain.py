"""Deep models as points: documents, coordinates, and what is smaller."""

import jax
import numpy as np
import pytest

from grpo_checks.experiments.falsifier.deep.domain import DeepDomain, placed
from grpo_checks.experiments.falsifier.deep.model import deep_model
from grpo_checks.theory.arithmetic.enclose import enclose

DOMAIN = DeepDomain(places=placed({}))
PLACES = DOMAIN.choices()


def coordinates(domain, place, seed=0):
    """Real numbers, spread as those of a search."""
    return 1.5 * np.random.default_rng(seed).normal(size=domain.dimension(place))


def document_at(place, largest=6, seed=0):
    """Rounded: a document of this shape."""
    return DOMAIN.document(coordinates(DOMAIN, place, seed), place, largest)


@pytest.mark.parametrize("place", PLACES, ids=range(len(PLACES)))
def test_there_and_back(place):
    """The document of real coordinates is read as the point there, up to its denominators."""
    x = coordinates(DOMAIN, place)
    read = DOMAIN.read(DOMAIN.document(x, place, 10**6))
    real = jax.jit(lambda x: DOMAIN.point(x, place))(x)
    assert read.keys() == real.keys()
    for name, values in read.items():
        np.testing.assert_allclose(values.astype(float), real[name], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("largest", [1, 3, 100])
@pytest.mark.parametrize("scale", [1.0, 300.0])
def test_rounded_models_are_models(largest, scale):
    """However extreme the reals: laws add up to 1, exactly, and rewards stay in [0, 1]."""
    for place in PLACES:
        x = scale * coordinates(DOMAIN, place)
        point = DOMAIN.read(DOMAIN.document(x, place, largest))
        probs = enclose(lambda p: deep_model(**p).policy.given)(point)
        laws = ("prompt_distribution", "initial_distribution", "tool_transition")
        for law in (*(point[name] for name in laws), probs):
            assert all(total == 1 for total in np.asarray(law.sum(-1)).flat)
            assert all(x >= 0 for x in law.flat)
        assert all(0 <= r <= 1 for r in point["reward"].flat)
        assert all(x > 0 for x in point["weights"])


@pytest.mark.parametrize("place", PLACES, ids=range(len(PLACES)))
def test_everything_smaller_is_a_model(place):
    """Where it is one at all: a layer, a state with its row, a prompt, an action or a component."""
    document, sizes = document_at(place), []
    for smaller in DOMAIN.simpler(document):
        try:
            point = DOMAIN.read(smaller)
        except ValueError:
            continue  # A row of the table less, say, which is refused.
        sizes.append((*point["tool_transition"].shape, *point["reward"].shape))
        enclose(lambda p: deep_model(**p).policy.given)(point)
    full = DOMAIN.read(document)
    depth, states, tools, _ = full["tool_transition"].shape
    assert (depth > 1) == any(size[0] < depth for size in sizes)
    assert any(size[1] < states for size in sizes)
    assert any(size[-1] < full["reward"].shape[-1] for size in sizes)
    assert (tools > 1) == any(size[2] < tools for size in sizes)


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("answer_odds", [[[1, 1], [1, 1]]], "answer_odds: 1 of layers, expected 2"),
        ("tool_transition", [[[[1, 1]], [[0, 0]]]], "expected numbers >= 0, not all 0"),
        ("tool_transition", [[[[1, 1, 1]], [[1, 1, 1]]]], "3 of states, expected 2"),
        ("weights", [1, 0], r"weights\[1\] = 0: expected a number > 0"),
        ("parameters", [1], "tool_features: missing"),
    ],
)
def test_what_is_no_model_is_named(field, value, message):
    """The field, and what was expected."""
    with pytest.raises(ValueError, match=message):
        DOMAIN.read({**document_at(PLACES[0]), field: value})


def test_rows_of_a_table_are_those_of_states_or_one():
    """Of three states, two with one row would be told apart from none."""
    three = document_at(PLACES[3])
    rows = {name: [layer[:2] for layer in three[name]] for name in ("tool_odds", "answer_odds")}
    with pytest.raises(ValueError, match="2 of observations, expected 1 or 3"):
        DOMAIN.read({**three, **rows})


def test_features_are_whole_numbers():
    """So that odds stay rational."""
    document = document_at(PLACES[-1])
    document["parameters"] = [1] * 3
    document["answer_features"][0][0][0][0] = "1/2"
    with pytest.raises(ValueError, match="expected a whole number"):
        DOMAIN.read(document)
