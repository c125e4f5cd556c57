"""conformance --paths: a trainer samples and steps by itself on `dice`, beside the exact orbit."""

import tempfile
from pathlib import Path
from typing import Any

import pandas as pd

from grpo_checks.experiments.conformance.trainers import run_script
from grpo_checks.experiments.conformance.trials.paths import (
    EXACT,
    SETTINGS,
    exact_orbit,
    path_rows,
    read_path,
    write_path_job,
)
from grpo_checks.experiments.storage.terminal import say


def path_table(python: Path, script: Path) -> pd.DataFrame:
    """Of every setting, and of expected updates for the first. Raises ValueError."""
    steps = next(iter(SETTINGS.values()))["steps"]
    rows = path_rows(EXACT, exact_orbit(steps), {})
    for setting, options in SETTINGS.items():
        say(f"{setting}: {options['steps']} steps of {_words(options)} episodes")
        with tempfile.TemporaryDirectory() as folder:
            job, answer = Path(folder) / "job.npz", Path(folder) / "answer.npz"
            write_path_job(job, options)
            run_script(python, script, [job, answer])
            rows += path_rows(setting, *read_path(answer, setting))
        say(f"  J = {rows[-1]['J']:.3f} at the end, {rows[-1]['rounds']:.2f} rounds")
    return pd.DataFrame(rows)


def _words(options: dict[str, Any]) -> str:
    return f"{options['groups']} x {options['num_generations']}"
