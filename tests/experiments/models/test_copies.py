"""Copies among runs: all rewards multiplied, and nothing else."""

from dataclasses import replace

from grpo_checks.experiments.claims.stationarity.rate import marked
from grpo_checks.experiments.models.copies import copies
from grpo_checks.experiments.models.instances import named
from grpo_checks.experiments.models.settings import RunSettings
from grpo_checks.experiments.protocol.claim import Row


def test_two_equal_components_copy_one():
    """Not where components differ, the run does, or the step is given and not that of T1.rate."""
    one, two = (RunSettings(named("conflict", components=k), 2, 100, 128) for k in (1, 2))
    sums = [RunSettings(named("bits", components=k), 2, 100, 128) for k in (1, 2)]
    moved = replace(two, instance=named("conflict", components=2, start=0.5))
    others = [replace(two, n_steps=200), replace(two, group_size=4), replace(two, step=0.1), moved]
    assert copies([one, two, *sums, *others]) == {two: one}
    rows = [Row("T", r.instance.name, r.parameters(), 0.1, 0.1, 0.1, 1.0, "holds") for r in sums]
    twice = Row("T", "conflict", two.parameters(), 0.1, 0.1, 0.1, 1.0, "holds")
    table = marked([one, two, *sums], [twice, twice, *rows])
    assert [row.extra.get("copy_of") for row in table] == [None, "K = 1", None, None]
