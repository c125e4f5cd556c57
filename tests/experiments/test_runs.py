"""Runs: few compilations, results that do not depend on how the seeds are cut, bounded memory."""

import numpy as np
import pytest

from experiments import runs
from experiments.compilation import Compilations
from experiments.instances import named
from experiments.settings import RunSettings
from experiments.store import Store
from theory.advantages import Estimator

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
    whole = runs._execute(_run())
    monkeypatch.setattr(runs, "BATCH", 3)
    parts = runs._execute(_run())
    for name in ("squared_gradient", "variance", "gain"):
        np.testing.assert_allclose(whole[name], parts[name], rtol=1e-12)
    np.testing.assert_allclose(whole["products"], parts["products"], rtol=1e-12)
    assert len({*whole["gain"]}) == 4


@pytest.mark.parametrize(("room", "lanes"), [(2**40, 2), (0, 1)])
def test_chunks_fit_into_memory(monkeypatch, room, lanes):
    """As many seeds at once as there is room for, and never none."""
    monkeypatch.setattr(runs, "BATCH", 2)
    monkeypatch.setattr(runs, "available_memory", lambda: room)
    used = []
    kept = runs._train_batch

    def seen(keys, *args, **options):
        used.append(len(keys))
        return kept(keys, *args, **options)

    seen.lower = kept.lower
    monkeypatch.setattr(runs, "_train_batch", seen)
    runs._execute(_run())
    assert {*used} == {lanes}


def test_a_run_is_computed_again_by_other_code(tmp_path, monkeypatch):
    """And by the same code never again."""
    computed = []
    monkeypatch.setattr(runs, "_execute", lambda run: computed.append(run) or {"gain": 1.0})
    for code, expected in (("a", 1), ("a", 1), ("b", 2)):
        monkeypatch.setattr(runs, "code_version", lambda *_, code=code, **__: code)
        runs.execute(_run(), Store(tmp_path))
        assert len(computed) == expected
