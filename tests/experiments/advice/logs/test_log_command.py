"""advise --log from files to sentences, rows and a figure."""

import jax
import numpy as np
import pandas as pd
import pytest
from helpers.logs.sampled import NAMES, WEIGHTS, learning, sampled

from grpo_checks.experiments import __main__ as cli
from grpo_checks.experiments.advice.advise import ESTIMATORS, advise
from grpo_checks.experiments.advice.logs import report
from grpo_checks.experiments.advice.logs.grouping import group_rows
from grpo_checks.experiments.advice.logs.model import rates_of
from grpo_checks.experiments.advice.logs.synthetic import (
    GROUP_SIZE,
    synthetic_log,
    trl_advantages,
    write_log,
)
from grpo_checks.experiments.commands.advise_log import EXAMPLE
from grpo_checks.figures.log import log as figure
from grpo_checks.figures.rows import read_rows
from grpo_checks.theory.evaluation.values import component_values
from grpo_checks.theory.instances.rates.pass_rates import pass_rates
from grpo_checks.theory.logs.in_advantage import ENOUGH
from grpo_checks.theory.logs.limits import mean_estimate

DRAWN = 7719171245655871230
"""What JAX draws first from the key 0: random numbers may differ between its versions."""


@pytest.fixture(scope="module")
def data():
    """A table as TRL has it, of `coding`."""
    rows = sampled(learning(), 0)
    rewards = dict(zip(NAMES, rows.rewards.T, strict=True))
    prompt = [f"q{p}" for p in rows.prompt]
    texts = ["x" * int(n) for n in rows.length]
    columns = {"step": rows.step, "prompt": prompt, "completion": texts, **rewards}
    return pd.DataFrame({**columns, "advantage": rows.advantage})


def test_answer_first_then_numbers_then_gaps(data, tmp_path, capsys, monkeypatch):
    """Every part of the report is there, its rows are stored, and a figure is drawn of them."""
    monkeypatch.setattr(report, "SIZES", (2, 4))
    # The others compile for long, and are tested where they are printed first.
    monkeypatch.setattr(report, "advise", lambda *args: advise(*args[:5], ESTIMATORS[:1]))
    path, out = tmp_path / "log.csv", tmp_path / "out"
    data.assign(note="none").to_csv(path, index=False)
    assert cli.main(["advise", "--log", str(path), "--windows", "2", "--out", str(out)]) == 0
    printed = capsys.readouterr().out
    order = ["Use ", "If prompts share all parameters", "Now, steps 4 to 7", "Silent groups",
             "PREDICTED", "corr(r, A)", "kappa", "Length and reward", "Drift:",
             "Weights, as the advantages have them: format 0.2, accuracy 1, executability 0.5",
             "those of group_normalized, ddof 1, eps 0.0001", "columns not used: note"]  # fmt: skip
    places = [printed.index(text) for text in order]
    assert places == sorted(places)
    assert "nan" not in printed
    rows = read_rows(out / "rows.csv")
    assert set(rows["window"]) == {0, 1}
    assert len(figure(rows).axes) == 3
    assert (out / "trends.csv").is_file()
    assert set(pd.read_csv(out / "signals.csv")["group_size"]) == {2, 4, 6}


def test_rewards_that_are_no_pass_rates(data, tmp_path, capsys):
    """Any numbers: no model, everything else; weights as given."""
    path = tmp_path / "log.jsonl"
    rng = np.random.default_rng(0)
    data = data.assign(accuracy=rng.normal(size=len(data)) * 3).drop(columns="advantage")
    data.to_json(path, orient="records", lines=True)
    command = ["advise", "--log", str(path), "--out", str(tmp_path)]
    assert cli.main([*command, "--weights", "1,2,1", "--all"]) == 0
    printed = capsys.readouterr().out
    assert report.NO_MODEL in printed
    assert "No advantages were logged: GRPO's are computed" in printed
    assert "weight 50%" in printed
    for options, message in (
        (["--weights", "1,2"], "weights = 1,2: expected one for each of format"),
        (["--weights", "1,-2,1"], "expected numbers > 0"),
        (["--windows", "99"], "windows = 99: expected 1..8"),
        (["--success", ".5"], "log: expected neither"),
    ):
        assert cli.main([*command, *options]) == 2
        error = capsys.readouterr().err
        assert message in error
        assert error.count("\n") == 1


def test_model_of_a_log_has_its_rates():
    """Means of the mixture are those of the rows, up to what rounding to four digits leaves and
    atoms of little weight that are dropped."""
    rows = sampled(learning(), 3, 200)
    (window,) = group_rows(rows, WEIGHTS, 1, None).windows
    known = rates_of(window, WEIGHTS, 0.2)
    instance = pass_rates(known)
    program = jax.jit(lambda mdp, policy, theta: component_values(mdp, policy.probs(theta)))
    values = program(instance.mdp, instance.policy, instance.theta)
    np.testing.assert_allclose(values, known.success, atol=1e-9)
    np.testing.assert_allclose(known.share @ known.success, rows.rewards.mean(0), atol=0.02)


def test_synthetic_log_is_of_its_model():
    """Four steps: means near their laws, advantages as NumPy has them in float64."""
    made = synthetic_log(4, 64, GROUP_SIZE)
    reward = made.table[[*NAMES]].to_numpy()
    law = made.law[np.arange(4)[:, None], made.kinds]
    expected = (law @ made.vectors).reshape(-1, 3).mean(0)
    # Five standard errors of 2,048 draws of variance up to 1/4.
    np.testing.assert_allclose(reward.mean(0), expected, atol=5 * 0.5 / np.sqrt(2048))
    total = (reward @ WEIGHTS).reshape(-1, GROUP_SIZE)
    spread = total.std(1, ddof=1, keepdims=True)
    expected = (total - total.mean(1, keepdims=True)) / (spread + 1e-4)
    given = trl_advantages(reward, GROUP_SIZE).reshape(total.shape)
    # float32: sums of 8 numbers, over an sd of .07 at least; silent groups over 1e-4.
    varied = spread[:, 0] > 1e-6
    np.testing.assert_allclose(given[varied], expected[varied], atol=1e-4)


def test_packaged_log_is_as_trl_writes():
    """The first step of the files that are installed; parquet needs pyarrow. Random numbers of JAX
    may differ between versions: prompts and advantages do not depend on them."""
    parquet = pytest.importorskip("pyarrow.parquet")
    first = parquet.read_table(sorted(EXAMPLE.glob("*.parquet"))[0]).to_pandas()
    assert len([*EXAMPLE.glob("*.parquet")]) == 40
    columns = ["step", "prompt", "completion", *NAMES, "advantage"]
    assert first.columns.tolist() == columns
    given = trl_advantages(first[[*NAMES]].to_numpy(), GROUP_SIZE)
    np.testing.assert_array_equal(first["advantage"], given)
    assert first.groupby("prompt").size().tolist() == [GROUP_SIZE] * 32


def test_packaged_log_is_what_is_written(tmp_path):
    """Drawn and written anew, the files that are installed are the same, number by number."""
    parquet = pytest.importorskip("pyarrow.parquet")
    if int(jax.random.bits(jax.random.key(0))) != DRAWN:
        pytest.skip("this version of JAX draws other numbers")
    paths = write_log(synthetic_log().table, tmp_path)
    assert [p.name for p in paths] == sorted(p.name for p in EXAMPLE.iterdir())
    for path in paths:
        written, installed = (parquet.read_table(p) for p in (path, EXAMPLE / path.name))
        # Texts are `string` or `large_string`, by where pandas keeps them.
        assert written.cast(installed.schema).equals(installed), path.name


def _advised(tmp_path, capsys, data):
    path = tmp_path / "short.csv"
    data.to_csv(path, index=False)
    assert cli.main(["advise", "--log", str(path), "--out", str(tmp_path)]) == 0
    return capsys.readouterr().out


def test_few_groups_are_no_advice(tmp_path, capsys):
    """One group of four: no estimator is named, and the first line says why."""
    rows = pd.DataFrame(
        {"prompt": "a", "step": 1, "accuracy": [1, 0, 0, 0], "format": [1, 1, 0, 1]}
    )
    printed = _advised(tmp_path, capsys, rows)
    assert "1 group, 1 with rewards that differ: too few to advise" in printed
    assert "Use " not in printed
    assert "Now, step 1, 1 group;" in printed
    assert "accuracy: weight 50%; it varies in too few groups" in printed
    assert "does not vary" not in printed
    printed = _advised(tmp_path, capsys, rows.assign(format=1))
    assert "format: weight 50%; it does not vary within groups" in printed


def test_thirty_groups_are_where_limits_begin():
    """Of a share of one half they are all of [0, 1] at 30 groups and not at 40."""
    ends = [tuple(mean_estimate(np.arange(n) % 2.0)[1:]) for n in (ENOUGH, 40)]
    assert ends[0] == (0, 1)
    assert 0 < ends[1][0] < ends[1][1] < 1


def test_missing_rewards_are_told_first(tmp_path, capsys):
    """File, step, prompt and count stand above the advice; they do not make a component dull."""
    rows = pd.DataFrame({"prompt": "a", "step": 1, "accuracy": [1, np.nan, 0, 0]})
    rows["format"] = [1, 1, 0, 1]
    printed = _advised(tmp_path, capsys, rows)
    first = "step 1, prompt a: accuracy is missing (1 row): left out of its sum of rewards"
    assert printed.index(first) < printed.index("too few to advise")
    assert "does not vary" not in printed
