"""Running a trainer in its own Python, and what its answer is worth."""

import signal
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from grpo_checks.experiments.conformance.batches import Batches
from grpo_checks.experiments.conformance.cases.case import Case
from grpo_checks.experiments.conformance.episodes import Episodes
from grpo_checks.experiments.conformance.job import Answer, read_answer, rule_document, write_job

ADAPTERS = Path(__file__).resolve().parent / "adapters"
PLACES = Path(".trainers")
"""Environments that ``make conformance`` makes, one for each trainer."""
NAMES = ("job", "answer")


def adapter(trainer: str) -> Path:
    """The script of a trainer's name, or a file of one's own. Raises ValueError for neither."""
    path = Path(trainer)
    if path.suffix == ".py":
        if not path.is_file():
            raise ValueError(f"trainer = {trainer}: no such file")
        return path.resolve()
    return script_of(trainer, "adapter")


def script_of(trainer: str, purpose: str) -> Path:
    """Of a trainer's name: "adapter", or "path" of those that run by themselves."""
    scripts = {p.stem.removesuffix(f"_{purpose}"): p for p in ADAPTERS.rglob(f"*_{purpose}.py")}
    if trainer not in scripts:
        expected = f"expected one of {sorted(scripts)}" + " or a .py file" * (purpose == "adapter")
        raise ValueError(f"trainer = {trainer!r} has no {purpose}: {expected}")
    return scripts[trainer]


def interpreter(trainer: str, given: Path | None) -> Path:
    """Its Python: the one given, that of its environment, or for a file of one's own this one."""
    if given is not None:
        if not given.is_file():
            raise ValueError(f"python = {given}: no such file")
        return given
    if trainer.endswith(".py") or trainer == "example":
        return Path(sys.executable)
    place = PLACES / trainer / "bin" / "python"
    if not place.is_file():
        raise ValueError(
            f"{place}: no such file: `make conformance TRAINER={trainer}` makes the environment, "
            "or --python names one"
        )
    return place


class Job(NamedTuple):
    """What a trainer is asked once."""

    episodes: Episodes
    batches: Batches
    case: Case
    sample: int = 0
    """Steps that the trainer is to draw by itself, of batches as large."""


def run_jobs(python: Path, script: Path, jobs: Sequence[Job]) -> list[Answer | ValueError]:
    """What the trainer makes of all jobs, in one process: some take long to start.

    An answer that is none is an error in its place. Raises ValueError with the one line that the
    process ended with.
    """
    with tempfile.TemporaryDirectory() as folder:
        places = [Path(folder) / f"{i}-{name}.npz" for i in range(len(jobs)) for name in NAMES]
        pairs = list(zip(places[::2], places[1::2], strict=True))
        for (path, _), job in zip(pairs, jobs, strict=True):
            rule = rule_document(job.case.rule, dict(job.case.options))
            write_job(path, job.episodes, job.batches, rule, job.sample)
        run_script(python, script, places)
        return [_read(script, path, job) for (_, path), job in zip(pairs, jobs, strict=True)]


def run_trainer(python: Path, script: Path, jobs: Sequence[Job]) -> list[Answer]:
    """Likewise, and the first answer that is none is raised."""
    answers = []
    for answer in run_jobs(python, script, jobs):
        if isinstance(answer, ValueError):
            raise answer
        answers.append(answer)
    return answers


def _read(script: Path, path: Path, job: Job) -> Answer | ValueError:
    try:
        shape = job.batches.members.shape
        shape = (job.sample, *shape[1:]) if job.sample else shape
        return read_answer(path, shape, job.episodes.theta)
    except FileNotFoundError:
        return ValueError(f"{script.name}: ended before it answered: expected load and gradient")
    except (KeyError, OSError) as error:
        return ValueError(f"{script.name}: its answer: {error}: expected one")
    except ValueError as error:
        return ValueError(f"{script.name}: {job.case.name}: {error}")


def run_script(python: Path, script: Path, arguments: Sequence[Path]) -> None:
    """Raises ValueError with the last line that it wrote where its status is not 0."""
    command = [python, ADAPTERS / "exchange.py", script, *arguments]
    done = subprocess.run(
        list(map(str, command)), capture_output=True, text=True, errors="replace", check=False
    )
    if done.returncode:
        lines = done.stderr.strip().splitlines()
        if not lines or done.returncode < 0:
            lines = [f"{script.name}: ended with {_status(done.returncode)}: expected an answer"]
        raise ValueError(lines[-1].removeprefix("error: "))


def _status(code: int) -> str:
    known = {int(s): s.name for s in signal.Signals}
    return f"signal {known.get(-code, -code)}" if code < 0 else f"status {code}"
