"""Running a trainer in its own Python, and what its answer is worth."""

import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from grpo_checks.experiments.conformance.batches import Batches
from grpo_checks.experiments.conformance.cases.catalogue import Case
from grpo_checks.experiments.conformance.episodes import Episodes
from grpo_checks.experiments.conformance.job import Answer, read_answer, rule_document, write_job

ADAPTERS = Path(__file__).resolve().parent / "adapters"
PLACES = Path(".trainers")
"""Environments that ``make conformance`` makes, one for each trainer."""


def adapter(trainer: str) -> Path:
    """The script of a trainer's name, or a file of one's own. Raises ValueError for neither."""
    path = Path(trainer)
    if path.suffix == ".py":
        if not path.is_file():
            raise ValueError(f"trainer = {trainer}: no such file")
        return path.resolve()
    script = ADAPTERS / f"{trainer}_adapter.py"
    if not (trainer.isidentifier() and script.is_file()):
        names = sorted(p.name.removesuffix("_adapter.py") for p in ADAPTERS.glob("*_adapter.py"))
        raise ValueError(f"trainer = {trainer!r}: expected one of {names} or a .py file")
    return script


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


def run_trainer(
    python: Path, script: Path, episodes: Episodes, batches: Batches, case: Case
) -> Answer:
    """What the trainer makes of the batches. Raises ValueError with the one line it ended with."""
    with tempfile.TemporaryDirectory() as folder:
        job, answer = Path(folder) / "job.npz", Path(folder) / "answer.npz"
        write_job(job, episodes, batches, rule_document(case.rule, dict(case.options)))
        run_script(python, script, [str(job), str(answer)])
        try:
            return read_answer(answer, batches.members.shape, episodes.theta)
        except (KeyError, OSError) as error:
            raise ValueError(f"{script.name}: answer.npz: {error}: expected one") from None
        except ValueError as error:
            raise ValueError(f"{script.name}: {error}") from None


def run_script(python: Path, script: Path, arguments: Sequence[str]) -> None:
    """Raises ValueError with the last line that it wrote where its status is not 0."""
    command = [str(python), str(ADAPTERS / "exchange.py"), str(script), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, errors="replace", check=False)
    if done.returncode:
        lines = done.stderr.strip().splitlines() or [f"ended with status {done.returncode}"]
        raise ValueError(lines[-1].removeprefix("error: "))
