"""Whatever lies in a user's file or in a stored one: no traceback, no hang, no NaN, no stray write.

FUZZ=200 asks for 200 files of each kind instead of the few of a normal test run.
"""

import json
import re
import shutil

import numpy as np
import pandas as pd
import pytest
from hypothesis import event, given
from hypothesis import strategies as st
from odd.odd_files import EXAMPLE, MANY, contents, damaged, extreme_models, values

from grpo_checks.experiments import __main__ as cli
from grpo_checks.experiments.models.instances import named
from grpo_checks.experiments.models.settings import RunSettings
from grpo_checks.experiments.protocol.cell_rows import exact
from grpo_checks.experiments.protocol.claim import Claim, Scope
from grpo_checks.experiments.runs import training as runs
from grpo_checks.experiments.runs.verify import TABLES, verify
from grpo_checks.experiments.storage.files import canonical, digest
from grpo_checks.experiments.storage.store import Store
from grpo_checks.theory.training.loop import STEP

NUMBERS = ["observed", "lower", "upper", "bound"]


def _check_tables(folder):
    """No NaN where a verdict rests on a number; no word that is none."""
    rows = pd.read_csv(folder / "rows.csv")
    judged = rows[~rows["verdict"].isin(["assumption unmet", "inconclusive"])]
    assert np.isfinite(judged[NUMBERS].to_numpy(float)).all()
    for name in TABLES:
        assert not re.search(r"\bnan\b", (folder / name).read_text(), re.IGNORECASE)


models = contents() | extreme_models()
texts = models.map(lambda c: json.dumps(c).encode()) | damaged(EXAMPLE.read_bytes())


@MANY
@given(text=texts)
def test_any_instance_file(tmp_path, capsys, text):
    """Exit status 2 with one line, or tables of finite numbers; nothing outside --out."""
    shutil.rmtree(tmp_path)
    tmp_path.mkdir()
    path, out = tmp_path / "any.json", tmp_path / "out"
    path.write_bytes(text)
    status = cli.main(
        ["verify", "--claim", "T1.budget", "--instance", str(path), "--out", str(out)]
    )
    error = capsys.readouterr().err
    assert set(tmp_path.iterdir()) <= {path, out}
    assert path.read_bytes() == text
    if status == 2:
        assert error.startswith("error: ")
        assert error.count("\n") == 1
    else:
        assert status in (0, 1)
        event("a model")
        (folder,) = out.glob("part/T1.budget+any.json*")
        _check_tables(folder)


def _runs(scope):
    return [RunSettings(named("conflict", components=1), 2, n, 128) for n in (4, 8)]


def _rows(scope, results):
    means = {run: float(np.mean(results[run]["gain"])) for run in _runs(scope)}
    return [exact("X", "conflict", r.parameters(), x, 1.0, "holds") for r, x in means.items()]


CLAIM = Claim("X", "", "derived", "holds", (), _rows, _runs)


def _trained(run):
    """A sound result, at once."""
    columns = {name: [1 / run.n_steps] * run.seeds for name in STEP}
    return {"diverged": False, **columns, "products": np.eye(len(STEP)).tolist()}


@pytest.fixture(scope="module", autouse=True)
def short_runs():
    """Training itself is not at stake, and takes seconds to compile."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(runs, "_execute", _trained)
        yield


@pytest.fixture(scope="module")
def reference(tmp_path_factory, short_runs):
    """A folder of two stored runs and the stored rows of their claim."""
    folder = tmp_path_factory.mktemp("reference")
    verify([CLAIM], Scope("quick"), Store(folder / "cells"), folder)
    assert len(list(folder.glob("cells/*.json"))) == 3
    return folder


@st.composite
def replaced(draw):
    """What to do with a stored file, given its bytes."""
    return draw(st.sampled_from(["bytes", "bytes", "bytes", "foreign", "gone"])), draw(values)


def _spoil(path, change, draw):
    kind, value = change
    total = path.read_bytes()
    if kind == "bytes":
        path.write_bytes(draw(damaged(total)))
    elif kind == "gone":
        path.unlink()
    else:
        stored = json.loads(total)
        body = {"settings": value, "result": stored["result"]}
        path.write_bytes(canonical({**body, "sha256": digest(body)}).encode())


@MANY
@given(data=st.data(), changes=st.lists(replaced(), min_size=3, max_size=3))
def test_any_result_file(tmp_path, reference, data, changes):
    """The same tables as ever; what was unsound is set aside, and still there."""
    shutil.rmtree(tmp_path)
    shutil.copytree(reference / "cells", tmp_path / "cells")
    for path, change in zip(sorted(tmp_path.glob("cells/*.json")), changes, strict=True):
        _spoil(path, change, data.draw)
    before = sorted(p.read_bytes() for p in tmp_path.glob("cells/*.json"))
    store = Store(tmp_path / "cells")
    verify([CLAIM], Scope("quick"), store, tmp_path)
    for name in set(TABLES) - {"provenance.json"}:
        assert (tmp_path / name).read_bytes() == (reference / name).read_bytes()
    after = [p.read_bytes() for p in tmp_path.glob("cells/*")]
    assert all(text in after for text in before)
    assert len(set(store.set_aside)) == len(store.set_aside)
    assert {p.name for p in tmp_path.iterdir()} == {"cells", *TABLES}
