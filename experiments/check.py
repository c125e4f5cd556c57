"""For tests in other repositories: assert a claim on a model of one's own, without any plug-in."""

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import get_args

import jax

from grpo_checks.experiments.claims.catalogue import find
from grpo_checks.experiments.models.building.argument import from_argument
from grpo_checks.experiments.models.building.model import Model
from grpo_checks.experiments.models.instances import InstanceSpec
from grpo_checks.experiments.protocol.claim import Claim, Scope
from grpo_checks.experiments.protocol.verdict import Verdict
from grpo_checks.experiments.runs.tables import Report
from grpo_checks.experiments.runs.verify import verify
from grpo_checks.experiments.storage.store import Store
from grpo_checks.theory.numbers.rationals import abridged

VERDICTS: tuple[Verdict, ...] = get_args(Verdict)


def assert_claim(
    claim: str,
    instance: str | Path | Model | None = None,
    verdict: Verdict | None = None,
    runs: str | Path | None = None,
) -> None:
    """Assert that ``claim`` (a name or a .py file) comes out as ``verdict`` on ``instance``.

    ``instance`` is a name, a .json file or a ``grpo_checks.models.Model``; without one the claim is
    checked on its own models.
    Sizes are quick ones. ``verdict`` is one of ``VERDICTS``, and by default the one expected of the
    claim, which of a false statement is "refuted": say ``verdict="holds"`` to assert that it is
    true here. Raises AssertionError, with the statement and the cells that say so, otherwise; a
    model that breaks an assumption is one too, with the reason, since the claim says nothing
    about it. Raises ValueError for bad input. With ``runs``, a folder, training
    runs are kept and never repeated. Computes in float64, whatever the caller's JAX is set to.
    """
    chosen = find(str(claim))
    wanted = chosen.expected if verdict is None else verdict
    if wanted not in VERDICTS:
        raise ValueError(f"verdict = {abridged(wanted)}: expected one of {VERDICTS}")
    before = jax.config.jax_enable_x64  # type: ignore[attr-defined]
    jax.config.update("jax_enable_x64", True)
    try:
        spec = None if instance is None else _spec(instance)
        with TemporaryDirectory() as folder:
            store = Store(Path(runs or folder) / "cells")
            report = verify([chosen], Scope("quick", spec), store, Path(folder))
    finally:
        jax.config.update("jax_enable_x64", before)
    (got,) = report.verdicts["verdict"]
    if got != wanted:
        raise AssertionError(_message(chosen, got, wanted, report))


def _spec(instance: str | Path | Model) -> InstanceSpec:
    return instance.spec() if isinstance(instance, Model) else from_argument(str(instance))


def _message(claim: Claim, got: str, wanted: str, report: Report) -> str:
    notes = [str(note) for note in report.rows["note"].unique() if note]
    rows = [", ".join(f"{k}={v}" for k, v in row.items()) for row in report.offending(claim.name)]
    summary = f"{claim.name}: {got}, expected {wanted}: {claim.statement}"
    return "\n".join([summary, *(rows or notes)])
