"""Gradients of a trainer, stored once, so that a test replays them where no trainer is.

Arrays of a compressed .npz: ``MODEL/G/RULE`` (M, d) in the order of ``all_batches``; float32 where
the trainer computed in it. ``versions``: JSON.
"""

import io
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from grpo_checks.experiments.conformance.episodes import Floats
from grpo_checks.experiments.conformance.job import Answer
from grpo_checks.experiments.storage.files import check_target


class Question(NamedTuple):
    """What a stored gradient answers."""

    model: str
    group_size: int
    rule: str

    @property
    def key(self) -> str:
        """Of the array."""
        return f"{self.model}/{self.group_size}/{self.rule}"


def question(key: str) -> Question:
    """Of an array's name."""
    model, size, rule = key.split("/", 2)
    return Question(model, int(size), rule)


def write_gradients(path: Path, answers: Mapping[Question, Answer]) -> None:
    """All answers of one trainer. Raises OSError where the file cannot be written."""
    versions: dict[str, Any] = next(iter(answers.values())).versions
    arrays: dict[str, Any] = {
        q.key: answer.gradient.astype(answer.versions["precision"]) for q, answer in answers.items()
    }
    content = io.BytesIO()
    np.savez_compressed(content, versions=json.dumps(versions), **arrays)
    check_target(path)
    temporary = path.with_name(f".{path.name}.new")
    temporary.write_bytes(content.getvalue())
    os.replace(temporary, path)


def read_gradients(path: Path) -> tuple[dict[Question, Floats], dict[str, Any]]:
    """The gradients, in the precision in which the trainer computed them, and versions."""
    with np.load(path) as stored:
        names = [name for name in stored.files if name != "versions"]
        gradients = {question(name): stored[name] for name in names}
        return gradients, json.loads(str(stored["versions"]))
