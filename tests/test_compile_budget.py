"""A session that compiles more than its budget fails, whatever its tests say."""

from types import SimpleNamespace

import conftest
import jax
import numpy as np
import pytest


@pytest.fixture
def session(monkeypatch):
    """One that passed, with two workers of three programs each; its cache stays."""
    monkeypatch.setattr(conftest, "KEPT", "kept")
    session = SimpleNamespace(config=SimpleNamespace(stash=pytest.Stash()), exitstatus=0)
    for _ in range(2):
        node = SimpleNamespace(config=session.config, workeroutput={"compiled": 3})
        conftest.pytest_testnodedown(node)
    conftest.pytest_testnodedown(SimpleNamespace(config=session.config))
    return session


@pytest.mark.parametrize(("allowed", "status"), [(6, 0), (5, 1)])
def test_what_workers_compile_is_added_up(session, monkeypatch, allowed, status):
    """One program too many is a failure."""
    here = conftest.COMPILATIONS.programs - conftest.COMPILATIONS.kept
    monkeypatch.setattr(conftest, "BUDGET", here + allowed)
    conftest.pytest_sessionfinish(session)
    assert session.exitstatus == status


def test_a_program_counts_once(session):
    """Compiled or, later, read from the cache: that is none."""
    before, factor = conftest.compiled(session.config), np.random.default_rng().normal()
    programs = conftest.COMPILATIONS.programs
    for asked in (1, 2):
        # A function that JAX has not met, with a constant that no other run has had.
        jax.jit(lambda y: y * factor)(1.0)
        assert conftest.COMPILATIONS.programs == programs + asked
        assert conftest.compiled(session.config) == before + 1
