"""A small good model, as plain lists, to put one thing wrong in."""

from fractions import Fraction
from typing import Any

T, F = True, False
# Two prompts, four states in two layers, two tools, two answers, two components.
GOOD: dict[str, Any] = {
    "prompt_distribution": ["1/3", "2/3"],
    "initial_distribution": [[1, 0, 0, 0], [0.5, 0.5, 0, 0]],
    "depth": [0, 0, 1, 1],
    "tool_transition": [[[0, 0, 0.5, 0.5], [0, 0, 1, 0]], *[[[0] * 4] * 2] * 3],
    "legal": [[T, T, T, T], [F, F, T, T], [F, F, T, T], [F, F, T, F]],
    "reward": [[[[0, 1], [1, "1/3"]]] * 4] * 2,
    "weights": [1, Fraction(1, 2)],
}
