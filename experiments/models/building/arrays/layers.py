"""The states of a written model, layer by layer, as far as dense arrays can hold them."""

from fractions import Fraction
from math import isqrt

from grpo_checks.experiments.models.building.description import Description
from grpo_checks.theory.numbers.validation import MAX_ENTRIES

Responses = dict[str, dict[str, dict[str, Fraction]]]
"""By state, by tool: chances of the next state."""


def responses(model: Description) -> Responses:
    """What every tool responds. Raises ValueError for a tool that responds twice in one state."""
    table: Responses = {}
    for tool, states, law in model.tools:
        for state in states:
            if tool in table.setdefault(state, {}):
                raise ValueError(f"tool {tool!r}: at = {state!r}: occurs twice: expected once")
            table[state][tool] = law
    return table


def most_states(n_tools: int) -> int:
    """How many states the dense (S,U,S) array of transitions may have."""
    return isqrt(MAX_ENTRIES // max(n_tools, 1))


def layers(model: Description, table: Responses, copies: int = 1) -> list[list[str]]:
    """The states that some policy reaches after 0, 1, ... tool calls, in the order of mention.

    ``copies`` of each are to be held. Raises ValueError, where no depth is set, for a state that
    is reached after different numbers of calls; and for more states than fit, with the depth that
    does.
    """
    starts = [state for law, _ in model.prompts.values() for state in law]
    reached = [list(dict.fromkeys(starts))]
    first = dict.fromkeys(reached[0], 0)
    most = most_states(len({tool for tool, _, _ in model.tools}))
    while model.depth is None or len(reached) <= model.depth:
        laws = [law for state in reached[-1] for law in table.get(state, {}).values()]
        below = list(dict.fromkeys(state for law in laws for state in law))
        if not below:
            break
        if model.depth is None:
            _check_one_depth(below, first, len(reached))
        _check_size(copies * (sum(map(len, reached)) + len(below)), most, len(reached), model)
        reached.append(below)
    return reached


def _check_one_depth(below: list[str], first: dict[str, int], depth: int) -> None:
    for state in below:
        if first.setdefault(state, depth) != depth:
            several = f"reached after {first[state]} and after {depth} tool calls"
            expected = "one number of calls, or depth=D, which makes a copy for each"
            raise ValueError(f"state {state!r}: {several}: expected {expected}")


def _check_size(n_states: int, most: int, depth: int, model: Description) -> None:
    if n_states > most:
        held = f"depth = {model.depth}: {n_states} states after {depth} tool calls"
        fits = f"at most {most}, as dense arrays hold with these tools: depth <= {depth - 1}"
        raise ValueError(f"{held}: expected {fits}")


def unreachable(model: Description, reached: list[list[str]]) -> list[str]:
    """States that are spoken of, and that no policy reaches."""
    met = {state for layer in reached for state in layer}
    spoken = [state for _, at, law in model.tools for state in (*at, *law)]
    return [state for state in dict.fromkeys(spoken) if state not in met]
