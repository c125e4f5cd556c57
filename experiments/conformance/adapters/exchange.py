"""How a trainer's Python reads a job and writes its answer; runs any file that has a protocol.

    PYTHON exchange.py FILE.py JOB.npz ANSWER.npz [JOB.npz ANSWER.npz ...]

FILE.py has two functions: ``load(model)`` is called once with a ``Model``; ``gradient(batch)``
with each ``Batch`` returns the direction in which the trainer's loss falls, (d,). ``VERSIONS`` (a
dict), if there is one, names libraries; ``PRECISION`` is "float32" unless it says "float64". A file
that feeds its trainer otherwise has one function ``answer(job)`` instead, which returns what
``write`` stores. Needs NumPy alone.

A ``Model`` has ``features`` (N, V, d), ``theta`` (d,), ``legal`` (N, V), ``rule``, and all episodes
as a batch: ``tokens``, ``row``, ``is_token``, ``is_action``, ``prompt``, ``reward``.
"""

import importlib.util
import json
import sys
import traceback
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np

BAD_INPUT = 2


def read(path: str) -> dict[str, Any]:
    """The arrays of a job by name; ``rule`` is decoded, ``sample`` an int."""
    with np.load(path) as stored:
        job = {name: stored[name] for name in stored.files}
    return {**job, "rule": json.loads(str(job["rule"])), "sample": int(job["sample"])}


def write(path: str, answer: dict[str, Any]) -> None:
    """``gradient`` (M, d), ``theta_after`` (d,), ``versions`` a dict, and what else there is."""
    arrays = {name: value for name, value in answer.items() if name != "versions"}
    np.savez_compressed(path, versions=json.dumps(answer["versions"]), **arrays)


def batch_of(job: dict[str, Any], members: Any) -> SimpleNamespace:
    """A ``Batch``: what the trainer is fed, from the indices (B, G) of its episodes.

    ``tokens``, ``row``, ``is_token``, ``is_action`` (B, G, T); ``reward`` (B, G, K); ``prompt``
    (B, G); ``weights`` (K,); ``index`` (B, G).
    """
    names = ("tokens", "row", "is_token", "is_action", "reward", "prompt")
    arrays = {name: job[name][members] for name in names}
    return SimpleNamespace(**arrays, weights=job["weights"], index=members)


def answer_of(module: ModuleType, job: dict[str, Any]) -> dict[str, Any]:
    """What the two functions of a file make of a job."""
    theta = job["theta"].copy()
    model = SimpleNamespace(**{**job, "theta": theta})
    module.load(model)
    gradient = np.array(
        [_one(module.gradient(batch_of(job, members)), theta.shape) for members in job["batches"]]
    )
    named = {"precision": getattr(module, "PRECISION", "float32")}
    versions = {**named, **getattr(module, "VERSIONS", {}), **named}
    return {"gradient": gradient, "theta_after": model.theta, "versions": versions}


def _one(gradient: Any, shape: tuple[int, ...]) -> Any:
    """Of one batch. Raises ValueError for a wrong shape or None."""
    if gradient is None:
        raise ValueError("gradient(batch) = None: expected an array; has the loss a gradient?")
    array = np.asarray(gradient)
    if array.dtype.kind not in "fiub":
        raise ValueError(f"gradient(batch) = {gradient!r}: expected real numbers")
    array = array.astype(float)
    if array.shape != shape:
        raise ValueError(f"gradient(batch): shape {array.shape}: expected {shape}")
    return array


def load_file(path: str) -> ModuleType:
    """A file as a module. Raises ValueError where a function is missing."""
    # Beside a file lie what it imports; this folder's names must not hide the trainer's.
    sys.path[0] = str(Path(path).resolve().parent)
    spec = importlib.util.spec_from_file_location("adapter", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["exchange"] = sys.modules[__name__]
    sys.modules["adapter"] = module
    spec.loader.exec_module(module)
    missing = [name for name in ("load", "gradient") if not hasattr(module, name)]
    if missing and not hasattr(module, "answer"):
        raise ValueError(f"function {missing[0]!r} is missing: expected load and gradient")
    if not isinstance(getattr(module, "VERSIONS", {}), dict):
        raise ValueError(f"VERSIONS = {module.VERSIONS!r}: expected a dict of names and versions")
    return module


def _checked(answer: Any) -> dict[str, Any]:
    """What a file's own ``answer`` returned. Raises ValueError where it is none."""
    if not isinstance(answer, dict) or "versions" not in answer:
        expected = "a dict with gradient, theta_after and versions"
        raise ValueError(f"answer(job) = {answer!r:.60}: expected {expected}")
    return answer


def main(arguments: list[str]) -> int:
    """0, or 2 with one line that says what was wrong."""
    path, *pairs = arguments
    try:
        module = load_file(path)
        for job_path, answer_path in zip(pairs[::2], pairs[1::2], strict=True):
            job = read(job_path)
            answer = module.answer(job) if hasattr(module, "answer") else answer_of(module, job)
            write(answer_path, _checked(answer))
    except Exception as error:
        frames = [f for f in traceback.extract_tb(error.__traceback__) if f.filename == path]
        line = f", line {frames[-1].lineno}" if frames else ""
        text = " ".join(str(error).split())[:300]
        kind = "" if isinstance(error, ValueError) and not frames else f"{type(error).__name__}: "
        print(f"error: {path}{line}: {kind}{text}", file=sys.stderr)
        return BAD_INPUT
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
