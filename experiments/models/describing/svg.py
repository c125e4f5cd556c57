"""The graph of a model as SVG: a column for each layer, a box for each state."""

from collections.abc import Iterable
from xml.etree import ElementTree

from grpo_checks.experiments.models.describing.graph import Node

WIDTH, HEIGHT, GAP, ROW = 150, 34, 130, 56
"""Of boxes, the space between columns, and the distance of rows, in pixels."""
LABELS = 40
"""Arrows that have labels; those of more would lie on one another."""
MOST = 400
"""States that are drawn; a picture of more shows nothing."""


def svg(name: str, nodes: Iterable[Node]) -> str:
    """The picture. Raises ValueError for a model of more states than can be looked at."""
    drawn = list(nodes)
    if len(drawn) > MOST:
        raise ValueError(f"states = {len(drawn)}: expected at most {MOST} in a picture; see --dot")
    row: dict[int, int] = {}
    place: dict[int, tuple[int, int]] = {}
    for node in drawn:
        index = row[node.depth] = row.get(node.depth, -1) + 1
        place[node.number] = (10 + node.depth * (WIDTH + GAP), 10 + index * ROW)
    width = 20 + len(row) * (WIDTH + GAP) - GAP
    size = {"width": str(width), "height": str(20 + (max(row.values()) + 1) * ROW)}
    picture = ElementTree.Element("svg", {"xmlns": "http://www.w3.org/2000/svg", **size})
    picture.set("font-family", "sans-serif")
    picture.set("font-size", "11")
    ElementTree.SubElement(picture, "title").text = name
    ElementTree.SubElement(picture, "rect", {**size, "fill": "#fff"})
    arrows = {(node.number, s) for node in drawn for x in node.responses for s, _ in x.states}
    for node in drawn:
        _arrows(picture, node, place, len(arrows) <= LABELS)
    for node in drawn:
        _box(picture, node, *place[node.number])
    ElementTree.indent(picture)
    return ElementTree.tostring(picture, encoding="unicode") + "\n"


def _arrows(
    picture: ElementTree.Element, node: Node, place: dict[int, tuple[int, int]], labelled: bool
) -> None:
    """A line to every next state; its tools and their chances are shown, or on hovering."""
    labels: dict[int, list[str]] = {}
    for response in node.responses:
        for state, chance in response.states:
            labels.setdefault(state, []).append(f"{response.tool} {chance}".rstrip())
    x, y = place[node.number]
    for state, tools in labels.items():
        ends = place[state][0], place[state][1] + HEIGHT // 2
        line = {"x1": x + WIDTH, "y1": y + HEIGHT // 2, "x2": ends[0], "y2": ends[1]}
        drawn = ElementTree.SubElement(picture, "line", {k: str(v) for k, v in line.items()})
        drawn.set("stroke", "#999")
        ElementTree.SubElement(drawn, "title").text = ", ".join(tools)
        if not labelled:
            continue
        middle = {"x": str((line["x1"] + ends[0]) // 2), "y": str((line["y1"] + ends[1]) // 2 - 3)}
        words = ElementTree.SubElement(picture, "text", {**middle, "text-anchor": "middle"})
        words.text = _short(", ".join(tools), 24)


def _box(picture: ElementTree.Element, node: Node, x: int, y: int) -> None:
    edge = {"stroke": "#000" if node.prompts else "#777", "fill": "#fff"}
    box = {"x": x, "y": y, "width": WIDTH, "height": HEIGHT, "rx": 4}
    drawn = ElementTree.SubElement(picture, "rect", {**{k: str(v) for k, v in box.items()}, **edge})
    starts = f" [{'; '.join(node.prompts)}]" if node.prompts else ""
    ElementTree.SubElement(drawn, "title").text = "\n".join([node.name + starts, *node.answers])
    for line, words in enumerate((node.name, ", ".join(node.answers))):
        at = {"x": str(x + 6), "y": str(y + 14 + 14 * line)}
        ElementTree.SubElement(picture, "text", at).text = _short(words, 24)


def _short(words: str, most: int) -> str:
    return words if len(words) <= most else f"{words[: most - 1]}…"
