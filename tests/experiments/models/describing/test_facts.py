"""Numbers that show prints, against a listing of all episodes and of all groups."""

from itertools import product
from xml.etree import ElementTree

import numpy as np
import pytest

from grpo_checks.experiments.models.building.argument import chosen, described
from grpo_checks.experiments.models.building.labels import numbered
from grpo_checks.experiments.models.building.model import Model
from grpo_checks.experiments.models.describing import drawing, graph
from grpo_checks.experiments.models.describing.facts import correlations, facts
from grpo_checks.experiments.models.describing.svg import svg

START = {"s": "1/4", "t": "3/4"}
"""Of the second prompt of ``small``."""


def small():
    """Two prompts, two components that go together; one of them is never earned at one prompt."""
    model = Model("small").component("right").component("short", weight="1/2")
    model.prompt("p", "s", "1/3").prompt("q", START, "2/3")
    model.tool("ask", at="s", to={"u": "1/2", "v": "1/2"})
    model.answer("yes").answer("no")
    model.reward({"right": 1, "short": 1}, answer="yes").reward({"short": 0}, at="v")
    return model.reward({"right": 0}, prompt="q", at="t", answer="yes")


def _episodes(prompt):
    """(chance, right, short) of every episode of the uniform policy, written down by hand."""
    if prompt == "p":
        return [(1 / 3, 1, 1), (1 / 3, 0, 0), *_asked(1 / 3)]
    from_s = [(1 / 12, 1, 1), (1 / 12, 0, 0), *_asked(1 / 12)]
    return [*from_s, (3 / 8, 0, 1), (3 / 8, 0, 0)]


def _asked(chance):
    return [(chance / 4, *r) for r in ((1, 1), (0, 0), (1, 0), (0, 0))]


def test_against_a_listing():
    """J, correlations within prompts, and silent groups of two and four."""
    computed = facts(small().build().instance)
    value, covariance, silent = [], np.zeros((2, 2)), {2: 0.0, 4: 0.0}
    for prompt, rho in (("p", 1 / 3), ("q", 2 / 3)):
        episodes = _episodes(prompt)
        rewards = np.array([(right, short) for _, right, short in episodes])
        chances = np.array([chance for chance, *_ in episodes])
        composite = rewards @ [1, 0.5]
        value.append(chances @ composite)
        deviation = rewards - chances @ rewards
        covariance += rho * deviation.T @ (chances[:, None] * deviation)
        for size in silent:
            for group in product(range(len(episodes)), repeat=size):
                if len({composite[i] for i in group}) == 1:
                    silent[size] += rho * np.prod(chances[[*group]])
    assert computed.value == pytest.approx(value)
    spread = np.sqrt(np.diag(covariance))
    assert computed.correlation == pytest.approx(covariance / np.outer(spread, spread))
    assert {size: computed.silent[size] for size in silent} == pytest.approx(silent)


def test_what_rounding_leaves_is_no_correlation():
    """Independent components of any chances; a correlation of 10^-9 is one."""
    vectors = np.array([*product((0.0, 1.0), repeat=2)])
    for chances in np.random.default_rng(7).random((50, 2)):
        both = [np.array([1 - p, p]) for p in chances]
        law = np.outer(*both).reshape(1, -1)
        assert correlations(np.ones(1), law, vectors)[0, 1] == 0
    tilted = law + 1e-9 * np.array([[1, -1, -1, 1]])
    spread = np.sqrt(np.prod(np.concatenate(both)))
    # A covariance in float64 is right to 1e-16, here of 1e-9.
    expected = pytest.approx(1e-9 / spread, rel=1e-6)
    assert correlations(np.ones(1), tilted, vectors)[0, 1] == expected


def test_optimum_and_layers():
    """By hand: yes at s earns 3/2; at t of q right is not to be had, and short is: 1/2."""
    computed = facts(small().build().instance)
    assert computed.best == pytest.approx([1.5, 1.5 / 4 + 0.5 * 3 / 4])
    assert computed.attainable == pytest.approx([1 / 3 + 2 / 3 / 4, 1])
    assert computed.visited == [(2, 2), (2, 2)]
    assert not computed.optimum_is_exact


def test_a_constant_component_has_no_correlation():
    """Nor does rounding give it one: the law of three prompts never adds up to 1 in float64."""
    model = Model("constant").component("a").component("b")
    for i in range(3):
        model.prompt(f"p{i}", f"s{i}")
    for i in range(7):
        model.answer(f"y{i}", reward={"a": 1, "b": i / 7})
    correlation = facts(model.build().instance).correlation
    assert np.isnan(correlation).tolist() == [[True, True], [True, False]]


def test_one_policy_serves_prompts_whose_rewards_are_alike():
    """Then J* is attained although prompts share states; looking alike takes that away."""
    model = Model("alike").prompt("p", {"s": 1}).prompt("q", {"s": 0.5, "t": 0.5})
    model.answer("yes").answer("no").reward(1, at="s", answer="yes").reward(1, at="t", answer="no")
    assert facts(model.build().instance).optimum_is_exact
    assert facts(model.build().instance).attained
    shared = facts(model.alike("o", ["s", "t"]).build().instance)
    assert not shared.optimum_is_exact
    # One answer for both: 1 at p or 1/2 at q for yes; no policy of the class has 1 at both.
    assert not shared.attained
    assert shared.attainable == pytest.approx([1])


def test_text_of_the_graph():
    """Chances as fractions, what answers earn, and where it depends on the prompt."""
    instance, labels = small().build()
    lines = drawing.text(graph.nodes(instance.mdp, labels), labels.states)
    assert lines == [
        "at the start:",
        "  s  [p; q 1/4]",
        "    ask -> 1/2 u, 1/2 v",
        "    answers: yes (1, 1), no (0, 0)",
        "  t  [q 3/4]",
        "    answers: yes (0, 1), no (0, 0)",
        "after 1 tool call:",
        "  u",
        "    answers: yes (1, 1), no (0, 0)",
        "  v",
        "    answers: yes (1, 0), no (0, 0)",
    ]


def test_rewards_that_depend_on_the_prompt_are_printed():
    """A quarter at Paris, nothing at Rome and Oslo, which share a line; one vector needs none."""
    model = Model("trip").component("right").component("short")
    for name in ("Paris", "Rome", "Oslo"):
        model.prompt(name, "s")
    model.answer("book it").reward({"right": "1/4"}, prompt="Paris").reward({"short": "2/3"})
    instance, labels = model.build()
    (node,) = graph.nodes(instance.mdp, labels)
    assert node.answers == ["book it (Paris: 1/4, 2/3; Rome, Oslo: 0, 2/3)"]


def test_pictures():
    """Graphviz has a line for each state and response, SVG a box and an arrow; names are quoted."""
    instance, labels = small().build()
    nodes = [*graph.nodes(instance.mdp, labels._replace(states=['a"b\\', "<t>", "u", "v"]))]
    text = drawing.dot("small", nodes)
    assert text.count("label=") == 4 + 2
    assert r's0 [label="a\"b\\\nyes (1, 1)\nno (0, 0)", style=bold];' in text
    picture = ElementTree.fromstring(svg("small", nodes))
    tags = [element.tag.rpartition("}")[2] for element in picture.iter()]
    assert (tags.count("rect"), tags.count("line")) == (1 + 4, 2)
    assert "<t>" in {element.text for element in picture.iter()}
    with pytest.raises(ValueError, match="states = 404: expected at most 400"):
        svg("many", nodes * 101)


def test_every_name_is_described():
    """In words that are not its own name; axes without names are numbered."""
    for name, about in described().items():
        assert len(about) > 20, name
    lookup = chosen("lookup")
    assert lookup.labels == numbered(lookup.spec.loaded.mdp)
    assert lookup.labels.actions == ["tool 0", "answer 0", "answer 1"]
