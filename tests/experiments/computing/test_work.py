"""Work is done once, in an order that spares compilations, whoever else is at it."""

import threading

import pytest

from grpo_checks.experiments.computing import work as shared
from grpo_checks.experiments.computing.work import work_through
from grpo_checks.experiments.storage.locks import Busy


@pytest.fixture
def one_worker(monkeypatch):
    """So that the order is certain."""
    monkeypatch.setattr(shared, "workers", lambda: 1)


def _go(groups, work):
    work_through(groups, work, lambda _: 1, "items")


def test_a_group_that_another_command_has_begun_is_put_off(one_worker):
    """It has compiled that shape: what it leaves is taken last, what it holds is waited for."""
    tried = []

    def work(item, wait):
        tried.append((item, wait))
        if item == "a2" and not wait:
            raise Busy

    _go([["a1", "a2", "a3"], ["b1", "b2"]], work)
    assert [item for item, _ in tried] == ["a1", "a2", "b1", "b2", "a2", "a3", "a2"]
    assert [item for item, wait in tried if wait] == ["a2"]


def test_a_failure_ends_the_work(one_worker):
    """The error of an item comes out; nothing is begun after it."""
    tried = []

    def work(item, wait):
        tried.append(item)
        if item == 2:
            raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        _go([[1, 2, 3], [4]], work)
    assert tried[:2] == [1, 2]
    assert 3 not in tried


def test_groups_run_side_by_side(monkeypatch):
    """Two items that wait for each other come to their end."""
    monkeypatch.setattr(shared, "workers", lambda: 2)
    meeting = threading.Barrier(2, timeout=30)
    _go([[1], [2]], lambda item, wait: meeting.wait())
