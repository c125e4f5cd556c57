"""Documents of choice models, put together from their parts."""

from collections.abc import Iterable, Sequence
from typing import Any

from grpo_checks.experiments.falsifier.rounding import Floats, odds


def sure(reward: int | str, *others: int | str) -> dict[str, Any]:
    """An action with one outcome."""
    return {"outcomes": [{"share": 1, "rewards": [reward, *others]}]}


def lottery(logits: Floats, rewards: Iterable[Sequence[Any]], n: int) -> list[dict[str, Any]]:
    """Outcomes with these reward vectors, in the proportions of a softmax."""
    return [
        {"share": share, "rewards": list(vector)}
        for share, vector in zip(odds(logits, n), rewards, strict=True)
    ]


def choices(
    logits: Floats, lotteries: Iterable[list[dict[str, Any]]], n: int
) -> list[dict[str, Any]]:
    """Actions with these outcomes, likewise."""
    return [
        {"odds": odd, "outcomes": outcomes}
        for odd, outcomes in zip(odds(logits, n), lotteries, strict=True)
    ]


def conflict(odds: int | str) -> dict[str, Any]:
    """The instance `conflict` at x = ln ``odds``, as fields of a document."""
    prompts = [{"share": 1, "slope": f, "actions": [sure(1), sure(0)]} for f in (1, -2)]
    return {"odds": odds, "weights": [1], "prompts": prompts}
