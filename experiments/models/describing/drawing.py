"""Drawings of a model's graph: indented text, and the language of Graphviz."""

from collections.abc import Iterable, Sequence

from grpo_checks.experiments.models.describing.graph import Node, Response
from grpo_checks.experiments.storage.text import counted

MOST = 12
"""States of a layer, and prompts of a state, that text shows."""


def text(nodes: Iterable[Node], names: Sequence[str]) -> list[str]:
    """A line for each state and each tool; the first states of every layer."""
    layers: dict[int, list[Node]] = {}
    for node in nodes:
        layers.setdefault(node.depth, []).append(node)
    lines = []
    for depth, layer in layers.items():
        lines.append(f"after {counted(depth, 'tool call')}:" if depth else "at the start:")
        for node in layer[:MOST]:
            lines += _node(node, names)
        if len(layer) > MOST:
            lines.append(f"  ... and {counted(len(layer) - MOST, 'state')} more")
    return lines


def _node(node: Node, names: Sequence[str]) -> list[str]:
    starts = node.prompts[:MOST] + ["..."] * (len(node.prompts) > MOST)
    first = f"  {node.name}" + (f"  [{'; '.join(starts)}]" if starts else "")
    answers = [f"    answers: {', '.join(node.answers)}"] if node.answers else []
    return [first, *(f"    {x.tool} -> {_told(x, names)}" for x in node.responses), *answers]


def _told(response: Response, names: Sequence[str]) -> str:
    shown = [f"{chance} {names[state]}".lstrip() for state, chance in response.states[:MOST]]
    return ", ".join(shown + ["..."] * (len(response.states) > MOST))


def dot(name: str, nodes: Iterable[Node]) -> str:
    """The graph for Graphviz: boxes are states, with their answers; arrows are responses."""
    lines = [f"digraph {_quoted(name)} {{", "  rankdir=LR; node [shape=box];"]
    for node in nodes:
        lines += _dot_node(node)
    return "\n".join([*lines, "}"]) + "\n"


def _dot_node(node: Node) -> list[str]:
    box = node.name + "".join(f"\n{answer}" for answer in node.answers)
    style = ", style=bold" if node.prompts else ""
    lines = [f"  s{node.number} [label={_quoted(box)}{style}];"]
    for response in node.responses:
        for state, chance in response.states:
            label = f"{response.tool} {chance}".rstrip()
            lines.append(f"  s{node.number} -> s{state} [label={_quoted(label)}];")
    return lines


def _quoted(words: str) -> str:
    """A text of dot: a backslash and a quotation mark are written so, a line break as its sign."""
    safe = words.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{safe}"'
