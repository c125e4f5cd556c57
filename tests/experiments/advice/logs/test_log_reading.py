"""Logs are read as they are: every gap is told in one line with its count, nothing is guessed."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from grpo_checks.experiments.advice.logs.columns import parse_map
from grpo_checks.experiments.advice.logs.files import log_files
from grpo_checks.experiments.advice.logs.grouping import common_size, group_rows
from grpo_checks.experiments.advice.logs.reading import read_log

G, PROMPTS = 4, 3


def table(step, seed=0):
    """TRL's columns, G rows in a row for each prompt."""
    rng = np.random.default_rng(seed + step)
    n = G * PROMPTS
    return pd.DataFrame(
        {"step": step, "prompt": np.repeat([f"q{step}.{b}" for b in range(PROMPTS)], G),
         "completion": ["x" * k for k in rng.integers(1, 9, n)],
         "accuracy": rng.integers(0, 2, n).astype(float), "format": rng.integers(0, 2, n) * 1.0,
         "advantage": rng.normal(size=n)}
    )  # fmt: skip


def _grouped(log, windows=1):
    return group_rows(log.rows, np.ones(log.rows.rewards.shape[1]), windows, None)


@pytest.fixture
def folder(tmp_path):
    """Two files a step, as two processes write."""
    for step in range(3):
        for rank, rows in enumerate((slice(0, G), slice(G, None))):
            table(step).iloc[rows].to_csv(tmp_path / f"rank{rank}_step{step}.csv", index=False)
    return tmp_path


def test_several_files_a_step(folder):
    """The same groups as of one table, in the order of the steps."""
    log = read_log([folder], {})
    grouped = _grouped(log)
    (window,) = grouped.windows
    assert log.columns.rewards == ("accuracy", "format")
    assert grouped.group_size == G
    assert window.step.tolist() == [0] * 3 + [1] * 3 + [2] * 3
    assert window.groups.sizes.tolist() == [G] * 9
    every = pd.concat([table(s) for s in range(3)])
    expected = every.groupby("step", sort=True)["accuracy"].mean()
    means = window.groups.total(window.groups.rewards[:, 0]).reshape(3, 3).sum(1) / 12
    np.testing.assert_allclose(means, expected, rtol=1e-12)
    np.testing.assert_array_equal(np.sort(window.length), np.sort(every["completion"].str.len()))


def test_formats_hold_the_same(tmp_path):
    """CSV, JSON lines, and parquet where pyarrow is."""
    data = table(5)
    data.to_csv(tmp_path / "a.csv", index=False)
    data.to_json(tmp_path / "a.jsonl", orient="records", lines=True)
    paths = [tmp_path / "a.csv", tmp_path / "a.jsonl"]
    try:
        data.to_parquet(tmp_path / "a.parquet")
        paths.append(tmp_path / "a.parquet")
    except ImportError:
        (tmp_path / "b.parquet").write_bytes(b"PAR1")
        with pytest.raises(ValueError, match="parquet is read by pyarrow, which is missing"):
            read_log([tmp_path / "b.parquet"], {})
    first, *others = (read_log([path], {}).rows for path in paths)
    for other in others:
        for field in ("step", "prompt", "length", "rewards"):
            np.testing.assert_array_equal(getattr(first, field), getattr(other, field))
        np.testing.assert_allclose(first.advantage, other.advantage, rtol=1e-9)


def test_rollouts_of_verl(tmp_path):
    """Steps from the names of files where rows have none; its score is the reward."""
    for step in (2, 10):
        rows = [{"input": f"q{i // G}", "output": "o" * (i + step), "gts": "1",
                 "score": float(i % 2), "acc": i % 2} for i in range(2 * G)]  # fmt: skip
        text = "\n".join(map(json.dumps, rows))
        (tmp_path / f"{step}.jsonl").write_text(text)
    log = read_log([tmp_path], {})
    assert [p.name for p in log_files([tmp_path])] == ["2.jsonl", "10.jsonl"]
    assert log.columns.rewards == ("score",)
    assert sorted({*log.rows.step.tolist()}) == [2, 10]
    assert any("no column of steps" in note for note in log.notes)
    assert any("columns not used: gts, acc" in note for note in log.notes)


def test_gaps_are_told_with_counts(tmp_path):
    """NaN rewards, rows without any, without a step, infinite ones; a step logged again."""
    data = table(1)
    data.loc[0, "accuracy"] = np.nan
    data.loc[1, ["accuracy", "format"]] = np.nan
    data.loc[2, "format"] = np.inf
    data.loc[3, "step"] = np.nan
    again = table(2)
    every = pd.concat([data, again, again.assign(step=3)])
    every.to_csv(tmp_path / "a.csv", index=False)
    log = read_log([tmp_path / "a.csv"], {})
    notes = "\n".join(log.notes)
    assert "1 row left out: no step" in notes
    assert "12 rows left out: their step is the one before it, logged again" in notes
    where = f"{tmp_path / 'a.csv'}: step 1, prompt q1.0"
    missing = f"{where}: accuracy is missing (1 row)"
    assert log.gaps == (
        f"{missing}: left out, no reward of it is a number",
        f"{missing}: left out of its sum of rewards, as TRL does",
        f"{where}: format is 'inf' (1 row): left out of its sum of rewards, as TRL does",
    )
    assert log.rows.step.size == 22
    assert "1 group has fewer than 4 rows" in "\n".join(_grouped(log).notes)


def test_a_text_among_numbers_is_told(tmp_path):
    """The column is no reward, and that is said with its row; if it is asked for, one cell is."""
    path, data = tmp_path / "a.csv", table(1)
    data["format"] = data["format"].astype(object)
    data.loc[2, "format"] = "good"
    data.to_csv(path, index=False)
    (line,) = read_log([path], {}).gaps
    assert line.startswith(f"{path}: no reward: format = 'good' in row 3: expected a number")
    (line,) = read_log([path], {}, ["accuracy", "format"]).gaps
    assert line.startswith(f"{path}: step 1, prompt q1.0: format is 'good' (1 row)")


def test_repeated_groups_are_cut(tmp_path):
    """A prompt drawn twice in a step: two groups, in the order of their rows."""
    data = table(1)
    data["prompt"] = data["prompt"].replace("q1.1", "q1.0")
    every = pd.concat([data, table(2), table(3)])
    every.to_csv(tmp_path / "a.csv", index=False)
    grouped = _grouped(read_log([tmp_path / "a.csv"], {}))
    assert grouped.windows[0].groups.sizes.tolist() == [G] * 9
    assert any("1 prompt occurs more than once in a step" in note for note in grouped.notes)
    first = grouped.windows[0].groups.rewards[: 2 * G, 0]
    rows = data[data["prompt"] == "q1.0"]["accuracy"].to_numpy()
    at = [i for i in (0, G) if (first == rows).all()]
    if not at:  # The other prompt of the step has the smaller hash.
        np.testing.assert_array_equal(grouped.windows[0].groups.rewards[G : 3 * G, 0], rows)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a,b\n1,2\n", "no column says which rows are one group"),
        ("prompt,b\nx,y\n", "no numeric column is a reward: expected --rewards NAME"),
        ("prompt,b\nx,1\nx,good\n", "is a reward: b = 'good' in row 2: expected a number"),
        ("", "no rows|No columns"),
        ("prompt,r\nx,1\ny,0\n", "groups of one row"),
        ("prompt,r\nx,1\nx,0\n", None),
    ],
)
def test_what_is_no_log_is_refused_in_one_line(tmp_path, text, message):
    """With the names that there are."""
    path = tmp_path / "a.csv"
    path.write_text(text)
    if message is None:
        assert _grouped(read_log([path], {})).group_size == 2
        return
    with pytest.raises(ValueError, match=message) as error:
        _grouped(read_log([path], {}))
    assert "\n" not in str(error.value)


def test_columns_are_mapped(tmp_path):
    """By role; another role, or a name that is missing, is refused."""
    path = tmp_path / "a.csv"
    table(1).rename(columns={"prompt": "p", "step": "it"}).to_csv(path, index=False)
    log = read_log([path], parse_map("prompt=p,step=it"), ["format"])
    assert log.columns.roles["prompt"] == "p"
    assert log.columns.rewards == ("format",)
    for given, message in (("task=p", "expected ROLE=NAME"), ("prompt", "expected ROLE=NAME")):
        with pytest.raises(ValueError, match=message):
            parse_map(given)
    with pytest.raises(ValueError, match="prompt = 'nope': expected one of it, p"):
        read_log([path], {"prompt": "nope"})
    with pytest.raises(ValueError, match="rewards: 'nope': expected one of"):
        read_log([path], {"prompt": "p"}, ["nope"])
    bad = tmp_path / "b.jsonl"
    bad.write_text('{"prompt": 1, "r": 1}\n[1]\n')
    with pytest.raises(ValueError, match=r"b.jsonl: line 2: expected a JSON object"):
        read_log([bad], {})
    with pytest.raises(ValueError, match="no such file"):
        log_files([Path("/nonexistent")])


def test_commonest_size():
    """Of as many groups of 4 as of 8, 4: the others may be two groups of one prompt."""
    assert common_size(np.array([8, 8, 4, 4, 1])) == 4
    assert common_size(np.array([8, 8, 8, 16])) == 8
