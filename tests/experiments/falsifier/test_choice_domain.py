"""Choice models as points: padded arrays, coordinates, and what is refused, as ever."""

import copy

import jax
import numpy as np
import pytest
from flint import fmpq
from helpers.choice_instance import actions, full_value

from grpo_checks.experiments.falsifier.choice_domain import ChoiceDomain, one_prompt
from grpo_checks.experiments.falsifier.constraints import above_zero, integer
from grpo_checks.experiments.falsifier.tables import Shape
from grpo_checks.theory.arithmetic.enclose import enclose
from grpo_checks.theory.rational.choices.choice import composite, parse_choice

RAGGED = {
    "weights": [1, "1/2"],
    "prompts": [
        {
            "share": 1,
            "actions": [
                {"odds": 3, "outcomes": [{"share": 2, "rewards": [1, 0]}]},
                {
                    "odds": 1,
                    "outcomes": [
                        {"share": 1, "rewards": [0, "1/3"]},
                        {"share": 4, "rewards": [1, 1]},
                    ],
                },
            ],
        },
        {"share": 3, "actions": [{"odds": 7, "outcomes": [{"share": 1, "rewards": [0, 1]}]}]},
    ],
}
PLACES = [
    {"actions": 3},
    {"prompts": 2, "actions": 2, "outcomes": 3, "components": 2, "steps": 4},
    {"actions": 2, "outcomes": 4, "components": 2, "binary": True, "steps": 2},
]
DOMAIN = ChoiceDomain(
    {"beta": above_zero()}, options={"steps": integer(1, 9, default=1)}, places=PLACES, prompts=2
)


def _model(point):
    return {name: point[name] for name in ("share", "policy", "outcome", "reward", "weights")}


def test_padded_arrays_by_hand():
    """Chances over their sums; what is not there has chance 0."""
    point = DOMAIN.read({**RAGGED, "beta": 2, "steps": 3})
    assert point["share"].tolist() == [fmpq(1, 4), fmpq(3, 4)]
    assert point["policy"].tolist() == [[fmpq(3, 4), fmpq(1, 4)], [1, 0]]
    assert point["outcome"].tolist() == [[[1, 0], [fmpq(1, 5), fmpq(4, 5)]], [[1, 0], [0, 0]]]
    assert point["reward"][0, 1].tolist() == [[0, fmpq(1, 3)], [1, 1]]
    assert point["weights"].tolist() == [1, fmpq(1, 2)]
    assert (point["beta"][()], point["steps"]) == (2, 3)


def test_the_same_model_as_lists_of_episodes():
    """Chances, rewards and scores of the first prompt are those of ``parse_choice``."""
    document = {**RAGGED, "prompts": RAGGED["prompts"][:1], "beta": 1}
    choice = parse_choice(document)
    point = _model(DOMAIN.read(document))
    one = enclose(lambda p: (*one_prompt(**p), one_prompt(**p).mean))(point)
    probability, rewards, score, policy, value, mean = one
    there = [i for i, p in enumerate(probability) if p != 0]
    (kinds,) = choice.kinds
    assert [probability[i] for i in there] == [k.chance for k in kinds]
    assert [rewards[i] for i in there] == [composite(k.rewards, choice.weights) for k in kinds]
    assert [tuple(score[i]) for i in there] == [k.score for k in kinds]
    taken = actions(kinds, choice.weights)
    assert list(zip(policy, value, strict=True)) == [(a.chance, a.value) for a in taken]
    assert mean == full_value(choice)


def test_one_prompt_of_two_is_refused():
    """The second would count for nothing."""
    with pytest.raises(ValueError, match="policy: 2 prompts, expected one"):
        one_prompt(**_model(DOMAIN.read({**RAGGED, "beta": 1})))


@pytest.mark.parametrize("place", DOMAIN.choices(), ids=str)
def test_there_and_back(place):
    """The document of real coordinates is read as the point there, up to its denominators."""
    x = np.random.default_rng(2).normal(size=DOMAIN.dimension(place))
    document = DOMAIN.document(x, place, 10**6)
    texts, expected = DOMAIN.read(document), jax.jit(lambda x: DOMAIN.point(x, place))(x)
    assert texts.keys() == expected.keys()
    assert texts["steps"] == expected["steps"]
    for name in expected.keys() - {"steps"}:
        np.testing.assert_allclose(texts[name].astype(float), expected[name], atol=1e-5)


def test_binary_rewards_are_all_vectors_in_turn():
    """Bit k of the number of an outcome, negated; no coordinates."""
    shape = Shape(1, 2, 4, 2, True)
    x = np.zeros(DOMAIN.dimension(DOMAIN.choices()[2]))
    assert len(x) == 1 + 2 + 2 * 4 + 1
    reward = DOMAIN.document(x, DOMAIN.choices()[2], 5)["prompts"][0]["actions"][1]["outcomes"]
    assert [o["rewards"] for o in reward] == [[1, 1], [0, 1], [1, 0], [0, 0]]
    assert shape.outcomes == len(reward)


def test_everything_smaller_is_a_point():
    """A prompt, an action, an outcome or a component less, or a step."""
    listed = list(DOMAIN.simpler({**RAGGED, "beta": 1, "steps": 2}))
    for document in listed:
        DOMAIN.read(document)
    assert {len(d["prompts"]) for d in listed} == {1, 2}
    assert {len(d["weights"]) for d in listed} == {1, 2}
    assert {d["steps"] for d in listed} == {1, 2}


def _with(path, value):
    changed = copy.deepcopy(RAGGED)
    at = changed
    for key in path[:-1]:
        at = at[key]
    at[path[-1]] = value
    return changed


ACTION = ("prompts", 0, "actions", 0)
BAD = [
    _with(("weights",), [1, 0]),
    _with(("weights",), "11"),
    _with(("prompts",), []),
    _with(("prompts", 0), 3),
    _with(("prompts", 1, "share"), 0),
    _with((*ACTION, "odds"), -1),
    _with((*ACTION, "odds"), True),
    _with((*ACTION, "outcomes"), []),
    _with((*ACTION, "outcomes", 0, "share"), "a"),
    _with((*ACTION, "outcomes", 0, "rewards"), [1]),
    _with((*ACTION, "outcomes", 0, "rewards"), [2, 0]),
    _with(("shared",), True),
]


@pytest.mark.parametrize("document", BAD)
def test_bad_documents_are_refused_in_the_same_words(document):
    """As by ``parse_choice``."""
    with pytest.raises(ValueError, match=r"expected|missing") as before:
        parse_choice(document)
    with pytest.raises(ValueError, match=r"expected|missing") as now:
        DOMAIN.read({**document, "beta": 1})
    assert str(now.value) == str(before.value)


def test_what_a_domain_does_not_hold():
    """More prompts than it says; one table of logits for several; a field that is missing."""
    with pytest.raises(ValueError, match=r"prompts: 2 of them, expected one"):
        ChoiceDomain().read(RAGGED)
    same = {**RAGGED, "prompts": [RAGGED["prompts"][1]] * 2, "shared": True, "beta": 1}
    with pytest.raises(ValueError, match="shared = True"):
        DOMAIN.read(same)
    with pytest.raises(ValueError, match="beta: missing"):
        DOMAIN.read(RAGGED)
