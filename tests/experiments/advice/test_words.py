"""The answer in words follows the table, and pass rates are read or refused."""

import numpy as np
import pandas as pd
import pytest

from grpo_checks.experiments import __main__ as cli
from grpo_checks.experiments.advice import advise as asked
from grpo_checks.experiments.advice import choice, words
from grpo_checks.experiments.advice.place import Plan
from grpo_checks.experiments.advice.rates.reading import read_prompts

SIZES = (2, 4, 8)


def _table(**signals):
    """Signals per episode of each estimator at three sizes."""
    names = dict(plain=choice.PLAIN, joint=choice.JOINT, filtered=choice.FILTERED)
    names |= dict(decomposed=choice.DECOMPOSED, trl="trl")
    rows = [
        {"estimator": names[key], "group_size": g, "signal": e, "signal_per_episode": e,
         "at_quarter": e, "at_fourfold": 10 - e, "silent": 0.25, "cosine": 1.0, "step": 0.5}
        for key, row in signals.items() for g, e in zip(SIZES, row, strict=True)
    ]  # fmt: skip
    return pd.DataFrame(rows)


def _lines(table, components=2, prompts=2):
    return [*words.sentences(table, Plan(64), "trl", components, prompts)]


def test_every_number_is_that_of_the_table():
    """Ratios by hand: 4/3.2, 2/3.2, 3.2/4, 3.6/3.2, and what turns with the budget."""
    lines = _lines(
        _table(plain=(1, 4, 2), joint=(1, 2, 3.2), filtered=(1, 2, 3.6), decomposed=(2, 1, 1),
               trl=(1, 2, 3.2))
    )  # fmt: skip
    text = "\n".join(lines)
    assert lines[0].startswith("Use leave_one_out")
    assert "groups of 4, at 64 episodes per update: 25.0 % more signal per episode than" in lines[0]
    assert "prompts an update (32 at G = 2, 16 at G = 4, 8 at G = 8)" in text
    assert "Group size: 4 alone has at least 95 % of its signal; the worst, 2, loses 75%" in text
    assert "joint; normalising each component by itself has 37.5 % less" in text
    assert "Divide by the standard deviation: no; it has 20.0 % less" in text
    assert (
        "Draw silent groups of GRPO again (DAPO): yes; at G = 8 25.0% of groups are silent" in text
    )
    assert "has 12.5 % more signal per episode than keeping them" in text
    assert "With a quarter of the episodes: the same." in text
    assert "With four times the episodes: leave_one_out, groups of 2." in text
    assert lines[-1] == words.SCOPE


def test_a_biased_one_must_be_clearly_better():
    """By more than 1 %; else the estimator that is stationary where J is, and that is said."""
    near = _table(plain=(1, 2, 1), joint=(1, 2.01, 1))
    clear = _table(plain=(1, 2, 1), joint=(1, 1, 2.1))
    assert _lines(near)[0].startswith("Use leave_one_out")
    below = "below the 1 % for which bias is accepted"
    gain = f"it is unbiased (group_normalized would gain 0.5 %: {below})."
    trl = _table(plain=(1, 2, 1), joint=(1, 2.01, 1), trl=(1, 1, 2.008))
    assert gain in _lines(near)[0]
    assert f"0.5 %, trl (TRL 1.16) at its best size, 8, 0.4 %: {below})." in _lines(trl)[0]
    assert "less signal" not in _lines(trl)[0]
    runner_up = next(x for x in _lines(trl) if x.startswith("Runner-up"))
    assert f"more signal per episode than the choice, {below}" in runner_up
    assert _lines(clear)[0].startswith("Use group_normalized")
    assert "8 is the edge of the grid: larger ones may be better" in "\n".join(_lines(clear))
    assert "2 is the edge of the grid" in "\n".join(_lines(_table(plain=(3, 2, 1))))


def test_nothing_to_learn():
    """One sentence, no table of zeros behind it, and no NaN."""
    silent = _table(plain=(0, 0, 0), joint=(0, 0, 0))
    assert _lines(silent) == [words.NOTHING]
    assert choice.short_table(silent)["signal, % of best"].tolist() == [0, 0]
    one = "\n".join(_lines(_table(plain=(1, 2, 3)), components=1))
    assert "there is one component" in one
    assert "nan" not in one


def test_what_one_step_does_not_tell_is_said_of_biased_choices():
    """2.1 against 2: leaving the division out costs 1/21 of the signal."""
    line = _lines(_table(plain=(1, 2, 1), joint=(1, 1, 2.1)))[1]
    assert "ranks one step from here" in line
    assert line.endswith("leave_one_out, groups of 4, costs 4.8% of the signal.")
    assert not any("one step" in x for x in _lines(_table(plain=(1, 2, 1))))


def test_one_prompt_is_no_advice_on_size():
    """The first line says so, with what the smallest group loses: 1/4 of 4."""
    lines = _lines(_table(plain=(3, 3.9, 4)), prompts=1)
    assert lines[0].startswith("One prompt: this is no advice on group size")
    assert "(4 to 8 within 5 %, 2 loses 25%)" in lines[0]
    assert "--prompts" in lines[0]
    assert "groups of 4 to 8, at 64" in lines[1]
    # The best size turns from 8 to 2, the estimator does not.
    assert "With four times the episodes: the same." in lines
    assert not any("edge of the grid" in x or "more prompts an update" in x for x in lines)


def test_drawn_again_no_group_is_silent():
    """Shares of silent groups are no reason for a size where they are drawn again."""
    line = next(x for x in _lines(_table(plain=(1, 1, 1), filtered=(1, 4, 1))) if "Why" in x)
    assert "silent" not in line


def test_sizes_without_an_exact_sum_are_told_in_a_line():
    """By estimator; what no group could tell is no such size."""
    table = _table(plain=(1, 2, 3), joint=(1, np.nan, np.nan), filtered=(np.nan, 1, 1))
    table["note"] = np.where(table["estimator"] == choice.FILTERED, choice.NEVER, "lattice: ...")
    assert choice.left_out(table) == [
        "G = 4, 8 left out for group_normalized: too large for the exact sum"
    ]


def _file(tmp_path, text):
    path = tmp_path / "prompts.csv"
    path.write_text(text)
    return path


def test_prompts_are_read_and_merged(tmp_path):
    """Shares add up, empty cells take the default, names do not matter."""
    path = _file(tmp_path, "prompt,a,b,weight\nx,.5,.25,2\ny,.5,,1\nz,.1,.3,1\n")
    separate = read_prompts(path, (0.9, 0.25), 0.2)
    # Two prompts of one rate are two as long as they share no parameter.
    np.testing.assert_array_equal(separate.success, [[0.5, 0.25], [0.5, 0.25], [0.1, 0.3]])
    np.testing.assert_array_equal(separate.share, [0.5, 0.25, 0.25])
    known = read_prompts(path, (0.9, 0.25), 0.2, shared=True)
    np.testing.assert_array_equal(known.success, [[0.1, 0.3], [0.5, 0.25]])
    np.testing.assert_array_equal(known.share, [0.25, 0.75])
    np.testing.assert_array_equal(known.correlation, [0.2, 0.2])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "expected a first line of column names"),
        ("a\n.5\nx\n", "line 3: a = 'x': expected a number"),
        ("a,b\n.5,\n", "line 2: b is missing"),
        ("a,weight\n.5,0\n", "weight = 0: expected numbers > 0"),
        ("a\n.5,.6\n", "expected a first line"),
        ("a\nnan\n", "expected a finite number"),
        ("a\n20\n", r"line 2: a = 20: expected a rate in \[0, 1\]; 20 % is 0.2"),
    ],
)
def test_bad_files_name_line_and_column(tmp_path, text, message):
    """One line, no traceback."""
    with pytest.raises(ValueError, match=message):
        read_prompts(_file(tmp_path, text), (), 0.0)


def test_command_takes_pass_rates(tmp_path, capsys, monkeypatch):
    """An answer first; an impossible correlation is one line with the range."""
    monkeypatch.setattr(asked, "SIZES", (2, 4))
    command = ["advise", "--success", "0.2,0.6", "--budget", "8", "--out", str(tmp_path)]
    assert cli.main([*command, "--correlation", "0.3", "--weights", "1,0.5"]) == 0
    printed = capsys.readouterr().out
    assert printed.index("\nUse ") < printed.index("% of best")
    assert "% of best" in printed
    assert "bias floor" not in printed
    assert set(pd.read_csv(tmp_path / "rows.csv")["instance"]) == {"pass_rates"}
    for options, message in (
        (["--correlation", "0.9"], "correlation = 0.9: expected a number in (-0.61"),
        (["--success", "20,60"], "success = 20: expected a rate in [0, 1]; 20 % is 0.2"),
        (["--preset", "tlr"], "preset = 'tlr': did you mean 'trl'? expected one of"),
        (["--weights", "1"], "weights = 1: expected one for each of 2 components"),
        (["--instance", "bandit"], "expected either --instance, or pass rates"),
    ):
        assert cli.main([*command, *options]) == 2
        assert message in capsys.readouterr().err
    assert cli.main(["advise", "--out", str(tmp_path)]) == 2
