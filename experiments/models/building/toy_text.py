"""Models from the tables of Gymnasium's toy-text environments: P[s][a] and the law of the start.

Layers are steps: a tool call is a step, and an episode has at most ``depth`` of them. A terminal
state, and every state of the last layer, has one answer, "stop", which is forced. The component
"goal" is 1 where the goal was reached in time: where an episode ended with the highest reward that
ends one. A return with rewards on the way needs its running sum in the state: with ``returns``
there is a component "return", in the units of the rewards, of states that are pairs. Policies see
state and step. Gymnasium is imported only where an environment is asked for by its name.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction
from importlib import import_module, metadata
from typing import Any

from grpo_checks.experiments.models.building.entries import exact
from grpo_checks.experiments.models.building.model import Model
from grpo_checks.experiments.models.building.steps import (
    GOAL,
    Place,
    Table,
    follow,
    goal_reward,
    read_table,
    rewards_on_the_way,
    walk,
)
from grpo_checks.theory.numbers.rationals import MAX_DENOMINATOR, abridged

ACTIONS: Mapping[str, Sequence[str]] = {
    "FrozenLake": ("left", "down", "right", "up"),
    "CliffWalking": ("up", "right", "down", "left"),
    "Taxi": ("south", "north", "east", "west", "pick up", "drop off"),
}
"""What actions of known environments are called; those of others are numbered."""
ROUNDING = Fraction(1, 2**50)
"""Four units in the last place of a chance in [1/2, 1]: a fraction that near is what was meant."""
STOP = "stop"


def from_table(
    table: Any,
    start: Any,
    depth: int,
    name: str = "toy_text",
    actions: Sequence[str] = (),
    returns: bool = False,
    one_prompt: bool = False,
) -> Model:
    """A model of at most ``depth`` steps in the table P[s][a] = [(chance, next, reward, ends), ..].

    ``start``: a state, or the chances of all states; each first state is a prompt, or drawn within
    the only one (``one_prompt``). Raises ValueError for a table that is none, a depth in which the
    goal cannot be reached, and more states than can be held.
    """
    steps, starts = read_table(table), _starts(start, table)
    goal, nearest = goal_reward(steps, starts)
    if not isinstance(depth, int) or depth < nearest:
        expected = f"a number of steps >= {nearest}, in which the goal can be reached"
        raise ValueError(f"depth = {abridged(depth)}: expected {expected}")
    after = follow(goal, returns)
    places = walk(steps, starts, depth, after)
    model = Model(name, _about(steps, starts, depth, returns), depth).component(GOAL)
    ends = {place for layer in places for place in layer if isinstance(place.state, str)}
    finals = sorted(ends | {*places[depth]}, key=lambda place: (place.total, str(place.state)))
    if returns:
        low, high = finals[0].total, finals[-1].total
        model.component("return", units=(low, high if high > low else low + 1))
    _add_prompts(model, starts, one_prompt)
    for place in dict.fromkeys(place for layer in places[:depth] for place in layer):
        if isinstance(place.state, int):
            for action, outcomes in steps[place.state].items():
                law = _law((_name(after(place, x), returns), x.chance) for x in outcomes)
                called = actions[action] if action < len(actions) else str(action)
                model.tool(called, _name(place, returns), law)
    _add_answers(model, finals, returns)
    return model


def _add_prompts(model: Model, starts: Mapping[int, Fraction], one_prompt: bool) -> None:
    """Named by their first states."""
    returns = "return" in model.components
    names = {_name(Place(state), returns): chance for state, chance in starts.items()}
    if one_prompt:
        model.prompt("start", names)
        return
    for name, chance in names.items():
        model.prompt(f"start {name}", name, chance)


def _add_answers(model: Model, finals: Sequence[Place], returns: bool) -> None:
    """One, where an episode ends."""
    ends = [_name(place, returns) for place in finals if isinstance(place.state, str)]
    model.answer(STOP, last=True)
    if ends:
        model.answer(STOP, ends)
    goals = [_name(place, returns) for place in finals if place.state == GOAL]
    model.reward({GOAL: 1}, at=goals)
    for place in finals if returns else ():
        model.reward({"return": place.total}, at=_name(place, returns))


def _name(place: Place, returns: bool) -> str:
    return f"{place.state} ({place.total})" if returns else str(place.state)


def _starts(start: Any, table: Any) -> dict[int, Fraction]:
    """First states with their chances."""
    if isinstance(start, int):
        chances = {start: Fraction(1)}
    elif isinstance(start, Iterable):
        chances = _law((s, exact(f"start[{s}]", x)) for s, x in enumerate(start) if x)
    else:
        raise ValueError(f"start = {abridged(start)}: expected a state, or chances of all states")
    for state in chances.keys() - {*table}:
        raise ValueError(f"start = {state}: expected a state of P")
    return chances


def _law(outcomes: Iterable[tuple[Any, Fraction]]) -> dict[Any, Fraction]:
    """Chances of equal outcomes added: fractions, where those round to them and sum to 1."""
    law: dict[Any, Fraction] = {}
    for outcome, chance in outcomes:
        law[outcome] = law.get(outcome, Fraction(0)) + chance
    short = {key: chance.limit_denominator(MAX_DENOMINATOR) for key, chance in law.items()}
    near = all(abs(short[key] - chance) <= ROUNDING for key, chance in law.items())
    return short if near and sum(short.values()) == 1 else law


def _about(steps: Table, starts: Mapping[int, Fraction], depth: int, returns: bool) -> str:
    """What the model counts, and what its other form would cost."""
    goal, _ = goal_reward(steps, starts)
    if not returns and not rewards_on_the_way(steps, starts, goal):
        return f"At most {depth} steps; goal reached in time; no other rewards."
    counts = []
    for keeps_sum in (False, True):
        after = follow(goal, keeps_sum)
        try:
            counts.append(f"{sum(map(len, walk(steps, starts, depth, after)))} states")
        except ValueError:
            counts.append("too many states")
    plain, summed = counts
    if returns:
        return f"At most {depth} steps; goal and return; {summed}, {plain} without the running sum."
    lacking = f"rewards on the way are not counted: returns keeps their sum, {summed} in place of"
    return f"At most {depth} steps; goal reached in time; {lacking} {plain}."


def from_gymnasium(environment: Any, depth: int, **options: Any) -> Model:
    """The same of an environment, such as ``gymnasium.make("FrozenLake-v1")``, see ``from_table``.

    Raises ValueError for one that has no table P.
    """
    inner = getattr(environment, "unwrapped", environment)
    if not hasattr(inner, "P") or not hasattr(inner, "initial_state_distrib"):
        expected = "one with a table P and initial_state_distrib, as toy-text ones have"
        raise ValueError(f"environment = {abridged(environment)}: expected {expected}")
    called = str(getattr(getattr(inner, "spec", None), "id", type(inner).__name__))
    actions = next((x for key, x in ACTIONS.items() if called.startswith(key)), ())
    usual = {"start": inner.initial_state_distrib, "name": re.sub(r"\W", "_", called)}
    return from_table(inner.P, depth=depth, **{**usual, "actions": actions, **options})


def make(name: str, depth: int, settings: Mapping[str, Any], **options: Any) -> Model:
    """The same of an environment by its name. Raises ValueError where there is none."""
    try:
        gymnasium: Any = import_module("gymnasium")
    except ImportError:
        raise ValueError("gymnasium: not installed: expected pip install gymnasium") from None
    try:
        environment = gymnasium.make(name, **settings)
    except (gymnasium.error.Error, TypeError, ValueError) as error:
        raise ValueError(f"environment = {abridged(name)}: {error}") from None
    model = from_gymnasium(environment, depth, **options)
    version = metadata.version("gymnasium")
    model.description = f"{name} of Gymnasium {version}. {model.description}"
    return model
