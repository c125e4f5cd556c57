"""Gradients that trainers made are named without their label; rules made up are not named."""

from pathlib import Path

import numpy as np
import pytest

from grpo_checks.experiments.__main__ import main
from grpo_checks.experiments.conformance.cases.catalogue import TRAINERS
from grpo_checks.experiments.conformance.identify.fed import fed
from grpo_checks.experiments.conformance.identify.telling import telling_place
from grpo_checks.experiments.conformance.recorded import read_gradients
from grpo_checks.experiments.conformance.report import place
from grpo_checks.experiments.storage.table_file import read_table
from grpo_checks.theory.identification.fitting import Precision
from grpo_checks.theory.identification.gradients import identify_gradients
from grpo_checks.theory.rules.presets import PRESETS, UNCONFIRMED

RESULTS = Path(__file__).resolve().parents[3] / "results" / "conformance"
FILES = sorted(RESULTS.glob("*.npz"))
MODELS = ("faint", "steps", "conflict")


@pytest.fixture(scope="module")
def places():
    """Models on which eps, lengths and batches of several groups show."""
    return {name: place(name, 4) for name in MODELS}


def _every(step, given, gradients):
    return given._replace(batches=given.batches[::step]), gradients[::step]


def _parts(path, label, places):
    gradients, _ = read_gradients(path)
    parts = {q: g for q, g in gradients.items() if q.rule == label and q.model in places}
    parts = {q: g for q, g in parts.items() if q.group_size == 4}
    single = any(g.dtype == np.float32 for g in parts.values())
    pairs = [(fed(places[q.model]), g.astype(float)) for q, g in parts.items()]
    # An eighth of many batches says as much.
    pairs = [_every(8 if len(g) > 100 else 1, given, g) for given, g in pairs]
    return pairs, Precision(2.0**-24 if single else 2.0**-53)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_recorded_gradients_are_named(path, places):
    """The first rule of every trainer: one usual rule explains it, its own, with its eps."""
    case = TRAINERS[path.stem.partition("-")[0]][0]
    answer = identify_gradients(*_parts(path, case.name, places))
    (fit,) = answer.usual
    assert fit.aggregation == case.rule.aggregation
    assert fit.estimator.name == case.rule.estimator.name
    assert fit.estimator.ddof == case.rule.estimator.ddof
    low, high = fit.ranges["eps"]
    assert low <= case.rule.estimator.eps <= high


def test_the_stored_table_names_every_recorded_case():
    """All labels of all files, none without a rule; its file says which gradients."""
    table = read_table(RESULTS / "identified" / "rows.csv")
    assert (table["identified"] != "none").all()
    assert (table["excess"] <= 1).all()
    labels = {(path.name, q.rule) for path in FILES for q in read_gradients(path)[0]}
    assert {*zip(table["file"], table["label"], strict=True)} == labels


def _ranks(rewards):
    return rewards.argsort(2).argsort(2) - (rewards.shape[2] - 1) / 2


def _signs(rewards):
    return np.sign(rewards - rewards.mean(2, keepdims=True))


def _squared(rewards):
    off = rewards - rewards.mean(2, keepdims=True)
    return off / (np.square(off).mean(2, keepdims=True) + 0.1)


@pytest.mark.parametrize("advantage", [_ranks, _signs, _squared])
def test_none_for_rules_made_up(advantage, places):
    """No rule of the suite, and by far: what is left is said."""
    given = fed(places["steps"])
    given = given._replace(batches=given.batches[::16])
    rewards = (given.rewards @ given.weights)[given.batches]
    gradients = np.einsum("mbg,mbgd->md", advantage(rewards), given.scores[given.batches]) / 4
    answer = identify_gradients([(given, gradients)])
    assert answer.rules == ()
    assert answer.nearest.excess > 1e3
    assert answer.nearest.unexplained > 0.01


def test_a_model_that_tells_is_named(places):
    """Where all lengths are equal no aggregation is told; `steps` tells these."""
    path = next(p for p in FILES if p.stem.startswith("tunix"))
    parts, precision = _parts(path, "tunix-rloo", {"conflict": places["conflict"]})
    rules = identify_gradients(parts, precision).usual
    assert {rule.aggregation.name for rule in rules} == {
        "episode_sum", "constant", "token_mean", "sequence_mean"
    }  # fmt: skip
    best = telling_place(rules, [*places.values()], precision)
    assert best.place.instance.name == "steps"
    assert best.difference > 0.01
    assert best.excess > 1e3
    alike = telling_place(rules, [places["conflict"]], precision)
    assert alike.excess <= 1
    # Both gradients may be off by as many roundings as one is.
    for operations, tells in ((1, False), (8, True)):
        scale = rules[0].scale * (1 + operations * precision.operations * precision.rounding)
        pair = [rules[0], rules[0]._replace(scale=scale)]
        assert (telling_place(pair, [places["steps"]], precision).excess > 1) is tells


def test_command_on_gradients(capsys, tmp_path):
    """A sentence for a label, and a row."""
    path = next(p for p in FILES if p.stem.startswith("torchrl"))
    out = tmp_path / "rows.csv"
    options = ["--rule", "torchrl-prompt-mean", "--instance", "steps", "--out", str(out)]
    assert main(["identify", str(path), *options]) == 0
    text = capsys.readouterr().out
    assert "group_normalized (ddof 1, eps 0" in text
    assert "sequence_mean" in text
    assert "cannot be told from" in text
    assert "batch_scaled (ddof 1" in text
    # With one group a batch is a group: whitened over its episodes it is scaled alike.
    assert "no model of faint, steps, conflict tells all of these" in text
    assert "torchrl-prompt-mean,group_normalized" in out.read_text().replace('"', "")


LOG = """group,reward,advantage
a,1,0.8660
a,0,-0.8660
a,1,0.8660
a,0,-0.8660
b,1,{}
b,0,-0.5000
b,0,-0.5000
b,0,-0.5000
"""


def test_command_on_a_log(capsys, tmp_path):
    """Advantages to four digits: what they say, and rewards that would say more; or none."""
    path = tmp_path / "log.csv"
    path.write_text(LOG.format("1.5000"))
    assert main(["identify", str(path), "--resolution", "5e-5"]) == 0
    text = capsys.readouterr().out
    assert "\ngroup_normalized (ddof 1, eps 0 to " in text
    assert "told apart by an update of these rewards" in text
    renamed = LOG.format("1.5000").replace("group,reward,advantage", "g,r,advantage")
    path.write_text("other," + renamed.replace("\n", "\n0,").removesuffix("0,"))
    columns = ["--columns", "group=g", "--rewards", "r"]
    assert main(["identify", str(path), "--resolution", "5e-5", *columns]) == 0
    assert "columns not used: other" in capsys.readouterr().out
    path.write_text(LOG.format("1.7000"))
    assert main(["identify", str(path), "--resolution", "5e-5"]) == 1
    assert "none of the suite's rules: the nearest is " in capsys.readouterr().out


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "log.csv: No columns to parse from file"),
        ("group,reward\na,1\n", "column advantage: missing"),
        ("group,advantage\na,1\n", "no numeric column is a reward"),
        ("group,reward,advantage\na,x,1\n", "no numeric column is a reward"),
        ("group,reward,advantage\na,1,\n", "advantages[0] = nan: expected a finite number"),
    ],
)
def test_bad_logs_get_one_line(capsys, tmp_path, text, message):
    """Status 2, and what was wrong."""
    path = tmp_path / "log.csv"
    path.write_text(text)
    assert main(["identify", str(path)]) == 2
    assert message in capsys.readouterr().err.splitlines()[-1]


def test_bad_gradients_get_one_line(capsys, tmp_path):
    """A file that is none, and a label that is not there."""
    assert main(["identify", str(tmp_path / "no.npz")]) == 2
    assert "no.npz" in capsys.readouterr().err
    assert main(["identify", str(FILES[0]), "--rule", "x"]) == 2
    assert "rule = ['x']: expected some of" in capsys.readouterr().err


def test_presets_are_confirmed_or_say_why_not():
    """Every other preset is a rule that a trainer's own code was asked for."""
    asked = {case.rule for name, cases in TRAINERS.items() if name != "example" for case in cases}
    assert {*UNCONFIRMED} < {*PRESETS}
    for name in {*PRESETS} - {*UNCONFIRMED}:
        assert PRESETS[name].rule in asked, name
