"""What a trainer is given, and what it answers: two .npz files."""

import json
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from grpo_checks.experiments.conformance.batches import Batches
from grpo_checks.experiments.conformance.episodes import Episodes, Floats, Ints
from grpo_checks.theory.rules.rule import UpdateRule

FIELDS = (
    "features", "theta", "legal", "tokens", "row", "is_token", "is_action", "response_chance",
    "prompt", "reward", "weights",
)  # fmt: skip


PRECISIONS = ("float32", "float64")


class Answer(NamedTuple):
    """What a trainer made of M batches."""

    gradient: Floats
    """(M, d): the direction in which its loss would fall."""
    versions: dict[str, Any]
    """Of its libraries, with ``precision``: "float32" or "float64"."""
    members: Ints | None = None
    """(M, B, G): the episodes, where the trainer drew them."""


def rule_document(rule: UpdateRule, options: dict[str, Any]) -> dict[str, Any]:
    """An update rule as JSON, beside the trainer's names for it."""
    estimator, aggregation = rule
    return {
        "advantage": estimator.name, "ddof": estimator.ddof, "eps": estimator.eps,
        "whiten": estimator.whiten, "whiten_inside": estimator.whiten_inside,
        "whiten_tokens": estimator.whiten_tokens, "aggregation": aggregation.name,
        "length_offset": aggregation.length_offset, "trainer": options,
    }  # fmt: skip


def write_job(
    path: Path, episodes: Episodes, batches: Batches, rule: dict[str, Any], sample: int = 0
) -> None:
    """``sample``: episodes that the trainer's own sampler is to draw."""
    arrays: dict[str, Any] = {name: getattr(episodes, name) for name in FIELDS}
    arrays |= {"batches": batches.members, "chance": batches.chance, "rho": episodes.rho}
    np.savez_compressed(path, rule=json.dumps(rule), sample=sample, **arrays)


def read_answer(path: Path, shape: tuple[int, ...], theta: Floats) -> Answer:
    """Of (M, B, G) batches. Raises ValueError for wrong shapes, NaN, none, moved theta."""
    with np.load(path) as stored:
        answer = {name: stored[name] for name in stored.files}
    versions, members = json.loads(str(answer["versions"])), answer.get("members")
    limit = _largest(versions.get("precision"))
    gradient = np.asarray(answer["gradient"], float)
    _check("gradient", gradient, (shape[0], len(theta)), limit)
    if not gradient.any():
        raise ValueError("gradient: 0 in every batch: expected one that is not; is it detached?")
    after = np.asarray(answer["theta_after"], float)
    _check("theta_after", after, theta.shape)
    # float32 cannot say every theta; a step would be larger than its rounding.
    moved = np.abs(after - theta)
    if (moved > np.finfo(np.float32).eps * np.abs(theta)).any():
        raise ValueError(
            f"theta: moved by {moved.max():.3g} while gradients were taken: expected a learning "
            "rate of 0, or a copy"
        )
    if members is not None and members.shape != shape:
        raise ValueError(f"members: shape {members.shape}: expected {shape}")
    return Answer(gradient, versions, members)


def _largest(precision: Any) -> float:
    """Size of a number whose square is one too. Raises ValueError for another precision."""
    if precision not in PRECISIONS:
        raise ValueError(f"precision = {precision!r}: expected one of {PRECISIONS}")
    return float(np.finfo(precision).max ** 0.5)


def _check(name: str, array: Floats, shape: tuple[int, ...], limit: float = np.inf) -> None:
    if array.shape != shape:
        raise ValueError(f"{name}: shape {array.shape}: expected {shape}")
    good = np.isfinite(array) & (np.abs(array) <= limit)
    if not good.all():
        where = tuple(map(int, np.argwhere(~good)[0]))
        size = "a finite number" + (f", at most {limit:.1e}" if limit < np.inf else "")
        raise ValueError(f"{name}{list(where)} = {array[where]:.6g}: expected {size}")
