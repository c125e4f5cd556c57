"""What is read obeys the rules of what is computed: a sound checksum over a result that is none."""

import json
from dataclasses import replace

import numpy as np
import pytest

from grpo_checks.experiments.models.instances import build, named
from grpo_checks.experiments.models.settings import RunSettings
from grpo_checks.experiments.protocol.claim import Claim, Levels, Row, Scope
from grpo_checks.experiments.runs import training as runs
from grpo_checks.experiments.runs.stored_cells import find_cell, judge_cell
from grpo_checks.experiments.runs.training import execute
from grpo_checks.experiments.storage.files import canonical, digest
from grpo_checks.experiments.storage.store import Store
from grpo_checks.theory.estimators.advantages import Estimator
from grpo_checks.theory.training.loop import STEP

SCOPE = Scope("quick")
EXACT = Row("X", "model", {"G": 2}, 0.2, 0.2, 0.2, 0.25, "holds", rounding=1e-16)
SAMPLED = replace(EXACT, verdict="inconclusive", evidence="statistical", levels=Levels(0.5, 0.5))
CLAIM = Claim("X", "", "derived", "holds", (), lambda s, r: [EXACT, SAMPLED, EXACT])


def _resign(folder, change):
    """Change a result as nobody but a forger would."""
    (path,) = folder.glob("*.json")
    stored = json.loads(path.read_text())
    result = change(stored["result"]) or stored["result"]
    body = {"settings": stored["settings"], "result": result}
    path.write_text(canonical({**body, "sha256": digest(body)}) + "\n")


def _field(i, **fields):
    return lambda result: result["rows"][i].update(fields)


CELLS = {
    "unknown verdict": _field(0, verdict="fine"),
    "unknown evidence": _field(0, evidence="rumour"),
    "no number": _field(0, bound="0.25"),
    "an infinity": _field(0, bound={"float": "inf"}),
    "a field too many": _field(0, colour="red"),
    "a field too few": lambda result: result["rows"][0].pop("lower"),
    "of another claim": _field(0, claim="Y"),
    "refuted in floating point, and not said so": _field(0, verdict="refuted"),
    "an identity that holds": _field(0, identity=True),
    "open, where Holm's test decides": _field(1, levels=[1e-9, 1.0, False]),
    "levels": _field(1, levels=[2.0, -1.0, False]),
    "a level above 1": _field(1, levels=[2.0, 1.0, False]),
    "a level below 0": _field(1, levels=[1.0, -0.1, False]),
    "one level": _field(1, levels=[0.5]),
    "parameters": _field(0, parameters={"G": 2}),
    "a row gone": lambda result: result["rows"].pop(),
    "a row twice": lambda result: result["rows"].append(result["rows"][0]),
    "no rows": lambda result: result["rows"].clear(),
    "rows that are none": lambda result: {**result, "rows": "ab"},
    "runs that are none": lambda result: {**result, "runs": ["x"]},
    "a list": lambda result: [result],
    "a number": lambda result: 3,
}


@pytest.mark.parametrize("change", CELLS.values(), ids=CELLS)
def test_a_cell_that_could_not_have_come_out(change, tmp_path):
    """Set aside and computed again."""
    expected = judge_cell(CLAIM, SCOPE, [], {}, Store(tmp_path))
    assert find_cell(CLAIM, SCOPE, Store(tmp_path)) == expected
    _resign(tmp_path, change)
    assert find_cell(CLAIM, SCOPE, Store(tmp_path)) is None
    store = Store(tmp_path)
    assert judge_cell(CLAIM, SCOPE, [], {}, store) == expected
    assert len(store.set_aside) == 1


def test_rows_of_another_claim_are_bad_input(tmp_path):
    """Also where they are computed."""
    claim = replace(CLAIM, rows=lambda s, r: [replace(EXACT, claim="Y")])
    with pytest.raises(ValueError, match=r"claim = 'X': Row\.claim = 'Y'"):
        judge_cell(claim, SCOPE, [], {}, Store(tmp_path))
    assert not list(tmp_path.glob("*.json"))


RUN = RunSettings(named("conflict", components=2), 2, 8, 3, step=0.1, checkpoints=(4,))
COLUMNS = {name: [0.1, 0.2, 0.3] for name in STEP}
# (seeds, checkpoints and the end, Q, K)
SUCCESS = np.full((3, 2, *build(RUN.instance).mdp.reward.shape[::3]), 0.5)
RESULT = {"diverged": False, **COLUMNS, "products": [[0.0] * 5] * 5, "success": SUCCESS.tolist()}


def _result(**fields):
    return lambda result: result.update(fields)


RUNS = {
    "a seed gone": _result(gain=[0.1, 0.2]),
    "a column gone": lambda result: result.pop("variance"),
    "a column too many": _result(colour=[0.1, 0.2, 0.3]),
    "a lost number": _result(gain=[0.1, 0.2, None]),
    "a word": _result(gain=[0.1, 0.2, "0.3"]),
    "products": _result(products=[[0.0] * 4] * 5),
    "ragged products": _result(products=[[0.0] * 5] * 4 + [[0.0] * 4]),
    "a checkpoint gone": _result(success=SUCCESS[:, :1].tolist()),
    "a component gone": _result(success=SUCCESS[..., :1].tolist()),
    "a prompt too many": _result(success=np.repeat(SUCCESS, 2, 2).tolist()),
    "no checkpoints": lambda result: result.pop("success"),
    "half diverged": _result(diverged="perhaps"),
    "diverged with numbers": _result(diverged=True),
    "nothing": lambda result: {"rows": []},
}


@pytest.mark.parametrize("change", RUNS.values(), ids=RUNS)
def test_a_run_that_could_not_have_come_out(change, tmp_path, monkeypatch):
    """Set aside and computed again."""
    monkeypatch.setattr(runs, "_execute", lambda run: json.loads(json.dumps(RESULT)))
    assert execute(RUN, Store(tmp_path)) == RESULT
    store = Store(tmp_path)
    assert execute(RUN, store) == RESULT
    assert (store.computed, store.set_aside) == ([], [])
    _resign(tmp_path, change)
    assert execute(RUN, store) == RESULT
    assert len(store.set_aside) == len(store.computed) == 1


@pytest.mark.parametrize(
    "run",
    [
        RUN,
        replace(RUN, checkpoints=()),
        replace(RUN, estimator=Estimator("batch_scaled")),
        replace(RUN, step=1e300),
    ],
)
def test_what_is_computed_is_sound(run, tmp_path):
    """The rules are those of training itself: with checkpoints, over the batch, diverged."""
    store = Store(tmp_path)
    assert execute(run, store) == execute(run, store)
    assert (len(store.computed), store.set_aside) == (1, [])
