"""Stored rows: the same tables cold and warm, and computed again when anything they rest on is."""

import json
from collections.abc import Mapping

import numpy as np
import pandas as pd
import pytest

from grpo_checks.experiments.claims.catalogue import find
from grpo_checks.experiments.models.instances import named
from grpo_checks.experiments.models.settings import RunResult, RunSettings
from grpo_checks.experiments.protocol.cell_rows import exact
from grpo_checks.experiments.protocol.claim import Claim, Row, Scope
from grpo_checks.experiments.runs import training as runs
from grpo_checks.experiments.runs.stored_cells import cell_settings, finite, judge_cell
from grpo_checks.experiments.runs.verify import verify
from grpo_checks.experiments.storage.store import Store

SCOPE = Scope("quick")


def _claim(rows) -> Claim:
    return Claim("X", "", "derived", "holds", (), rows)


def _judge(rows, folder):
    return list(judge_cell(_claim(rows), SCOPE, [], {}, Store(folder)).rows)


def test_rows_come_back_as_they_were(tmp_path):
    """Every kind of value that claims put into a row, in the order of their columns."""
    extra = {"z": np.float64(0.1), "a": None, "flag": True, "inf": np.inf, "lost": np.nan}
    row = Row(
        "X", "i", {"group_size": 8, "G": np.int64(2)}, 0.1, 0.1, 0.3, 1 / 3, "holds", "", extra
    )
    (cold,), (warm,) = (_judge(lambda *_: [row], tmp_path) for _ in range(2))
    assert cold == warm
    assert list(warm.flat()) == list(row.flat())
    expected, observed = (pd.DataFrame([r.flat()]).to_csv() for r in (row, warm))
    assert observed == expected


@pytest.mark.parametrize("lost", [np.nan, np.inf])
def test_an_overflow_decides_nothing(lost):
    """Not even where it would compare as if it did."""
    row = finite(Row("X", "i", {}, 1.0, 1.0, 1.0, lost, "holds", "as told"))
    assert (row.verdict, row.bound) == ("inconclusive", None)
    assert row.note == "not finite: bound; as told"
    sound = Row("X", "i", {}, 1.0, 1.0, 1.0, 2.0, "holds")
    assert finite(sound) is sound


def test_a_breakdown_is_a_recorded_verdict(tmp_path):
    """Not a crash that takes the other claims with it."""

    def rows(*_):
        raise OverflowError("math range error")

    for _ in range(2):
        (row,) = _judge(rows, tmp_path)
        assert (row.verdict, row.note) == ("inconclusive", "OverflowError: math range error")


def _changed(**fields) -> Scope:
    return Scope(**{**vars(SCOPE), **fields})


def test_what_was_asked_is_part_of_the_address():
    """Profile, instance, mutant and seeds; so is the claim, of two in one file."""
    claim = find("T1.path")
    scopes = [
        SCOPE,
        _changed(profile="paper"),
        _changed(instance=named("conflict")),
        _changed(mutant="no bias term"),
        _changed(seeds=2),
    ]
    addresses = [cell_settings(claim, scope) for scope in scopes]
    addresses += [cell_settings(find(name), SCOPE) for name in ("T3.shift", "T3.klorder")]
    assert len({json.dumps(a, sort_keys=True) for a in addresses}) == len(addresses)


def _short(scope: Scope) -> list[RunSettings]:
    return [RunSettings(named("conflict", components=1), 2, n, 128) for n in (4, 8)]


def _gains(scope: Scope, results: Mapping[RunSettings, RunResult]) -> list[Row]:
    return [exact("X", "", {}, results[run]["gain"], 1.0, "holds") for run in _short(scope)]


def test_a_stored_cell_needs_no_runs(tmp_path, monkeypatch):
    """Nothing is computed again, and the tables are the same to the byte."""
    monkeypatch.setattr(runs, "_execute", lambda run: {"gain": 1 / run.n_steps})
    # No run's result: a thread that waited for it would set it aside.
    monkeypatch.setattr(runs, "_check", lambda run, result: None)
    claim = Claim("X", "", "derived", "holds", (), _gains, _short)
    tables = []
    for computed in (3, 0):
        store = Store(tmp_path / "cells")
        verify([claim], SCOPE, store, tmp_path)
        assert len(store.computed) == computed
        tables.append([(tmp_path / name).read_text() for name in ("rows.csv", "verdicts.csv")])
        facts = json.loads((tmp_path / "provenance.json").read_text())
        assert (facts["runs"], facts["runs_found_stored"]) == (2, 2 - min(computed, 2))
    assert tables[0] == tables[1]
