"""Runs: few compilations, and results that depend on neither the chunks nor the machine."""

import os

import jax
import numpy as np
import pytest
from helpers.processes.forked import Forked

from grpo_checks.experiments.computing.compilation import Compilations
from grpo_checks.experiments.models.instances import named
from grpo_checks.experiments.models.lanes import lane_bytes, lanes
from grpo_checks.experiments.models.settings import RunSettings
from grpo_checks.experiments.runs import training as runs
from grpo_checks.experiments.storage.store import Store
from grpo_checks.theory.estimators.advantages import Estimator

# Of no other test, which may have compiled the same in this process before.
GROUP = 7


def _run(components=1, **options):
    spec = named("conflict", components=components, start=-0.5)
    return RunSettings(spec, GROUP, n_steps=5, seeds=4, step=0.1, **options)


def test_cells_of_equal_shape_share_a_program():
    """Any number of components, steps, step sizes and seeds; both plain estimators have their own.

    The programs are counted as they are compiled, whatever the caches of JAX say.
    """
    runs._execute(_run())
    counted, known = Compilations(), runs._train_batch._cache_size()
    for cell in (_run(3), _run(seed=1), _run(2, stream="x")):
        runs._execute(cell)
    assert runs._train_batch._cache_size() == known
    # What is left is the model itself, whose numbers of components differ.
    small = counted.programs
    runs._execute(_run(3, seed=2))
    assert counted.programs == small
    runs._execute(_run(estimator=Estimator("mean_baseline")))
    assert runs._train_batch._cache_size() == known + 1
    assert counted.programs > small


def test_results_do_not_depend_on_the_chunk(monkeypatch):
    """Keys are the seeds' own: 4 at once or 3 and 1, and the first of many more."""
    total = runs._execute(_run())
    monkeypatch.setattr(runs, "lanes", lambda needs: 3)
    parts = runs._execute(_run())
    for name in ("squared_gradient", "variance", "gain"):
        np.testing.assert_allclose(total[name], parts[name], rtol=1e-12)
    np.testing.assert_allclose(total["products"], parts["products"], rtol=1e-12)
    assert len({*total["gain"]}) == 4


@pytest.mark.parametrize(
    ("bytes_each", "expected"),
    [(0, 128), (2**21, 128), (2**21 + 1, 64), (2**28, 1), (2**40, 1)],
)
def test_lanes_are_a_rule_of_the_size(bytes_each, expected):
    """As many seeds at once as 256 MiB hold, at most 128, and never none."""
    assert lanes(bytes_each) == expected


@pytest.mark.parametrize(
    ("name", "components", "group_size", "estimator"),
    [("bits", 6, 4, "leave_one_out"), ("menu", 2, GROUP, "componentwise_normalized")],
)
def test_a_lane_needs_no_more_than_is_said(name, components, group_size, estimator):
    """By the program as compiled: at least a lane's share of its arrays, at most 10 times it."""
    spec = named(name, components=components)
    run = RunSettings(spec, group_size, 5, 1, Estimator(estimator), step=0.1)
    settled, training = runs._settled(run)
    _, *fixed, _, _, group = settled
    keys = jax.random.split(jax.random.key(0), 16)
    program = runs._train_batch.lower(keys, *settled, training=training).compile()
    share = program.memory_analysis().temp_size_in_bytes / 16
    assert share <= lane_bytes(*fixed, group, training) <= 10 * share


ELSEWHERE = """
import os, sys
pages, cores = int(sys.argv[1]), int(sys.argv[2])
ask = os.sysconf
os.sysconf = lambda name: pages if name == "SC_AVPHYS_PAGES" else ask(name)
os.cpu_count = lambda: cores
os.sched_getaffinity = lambda pid: set(range(cores))
import jax
jax.config.update("jax_enable_x64", True)
from grpo_checks.experiments.runs import training as runs
from grpo_checks.experiments.storage.files import canonical
from grpo_checks.experiments.models.instances import named
from grpo_checks.experiments.models.settings import RunSettings
run = RunSettings(named("coding", components=2), 8, n_steps=20, seeds=3, step=0.5)
print(canonical(runs.computed(run)))
"""


def test_a_run_is_the_same_on_any_machine():
    """To the byte: with much memory and one core, and with 4 MB and 64 cores."""
    started = [
        # NPROC is what XLA sizes its threads by.
        Forked(ELSEWHERE, pages, cores, env={**os.environ, "XLA_FLAGS": "", "NPROC": cores})
        for pages, cores in ((str(2**30), "1"), ("1000", "64"))
    ]
    (rich, *_), (poor, *_) = (process.end() for process in started)
    assert "squared_gradient" in rich
    assert rich == poor


def test_a_run_is_computed_again_by_other_code(tmp_path, monkeypatch):
    """And by the same code never again."""
    computed = []
    result = {"diverged": True}
    monkeypatch.setattr(runs, "_execute", lambda run: computed.append(run) or result)
    for code, expected in (("a", 1), ("a", 1), ("b", 2)):
        monkeypatch.setattr(runs, "code_version", lambda *_, code=code, **__: code)
        runs.execute(_run(), Store(tmp_path))
        assert len(computed) == expected
