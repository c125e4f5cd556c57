"""For tests in other repositories: assert a claim on a model of one's own, without any plug-in."""

from pathlib import Path
from tempfile import TemporaryDirectory

import jax

from grpo_checks.experiments.claims.catalogue import find
from grpo_checks.experiments.models.instances import from_argument
from grpo_checks.experiments.protocol.claim import Scope
from grpo_checks.experiments.protocol.verdict import Verdict
from grpo_checks.experiments.runs.tables import Report
from grpo_checks.experiments.runs.verify import verify
from grpo_checks.experiments.storage.store import Store


def assert_claim(
    claim: str,
    instance: str | Path | None = None,
    verdict: Verdict | None = None,
    runs: str | Path | None = None,
) -> None:
    """Check ``claim`` (a name or a .py file) on ``instance`` (a name or a .json file), quick sizes.

    Raises AssertionError, with the cells that say so, unless the verdict is ``verdict``, by default
    the one expected of the claim. A model that breaks an assumption is an AssertionError too: the
    claim says nothing about it. Raises ValueError for bad input. With ``runs``, a folder, training
    runs are kept and never repeated. Computes in float64, whatever the caller's JAX is set to.
    """
    chosen = find(str(claim))
    wanted = verdict or chosen.expected
    before = jax.config.jax_enable_x64  # type: ignore[attr-defined]
    jax.config.update("jax_enable_x64", True)
    try:
        spec = from_argument(str(instance)) if instance is not None else None
        with TemporaryDirectory() as folder:
            store = Store(Path(runs or folder) / "cells")
            report = verify([chosen], Scope("quick", spec), store, Path(folder))
    finally:
        jax.config.update("jax_enable_x64", before)
    (got,) = report.verdicts["verdict"]
    if got != wanted:
        raise AssertionError(_message(chosen.name, got, wanted, report))


def _message(name: str, got: str, wanted: str, report: Report) -> str:
    notes = [str(note) for note in report.rows["note"].unique() if note]
    rows = [", ".join(f"{k}={v}" for k, v in row.items()) for row in report.offending(name)]
    return "\n".join([f"{name}: {got}, expected {wanted}", *(rows or notes)])
