"""Tables are read as they were written: a name that looks like a number, or like none, is one."""

import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from grpo_checks.experiments import __main__ as cli
from grpo_checks.experiments.protocol.claim import Row
from grpo_checks.experiments.storage import table_file
from grpo_checks.experiments.storage.table_file import read_table
from grpo_checks.figures import rows as figure_rows
from grpo_checks.figures.rows import read_rows

NAMED_NA = Path(__file__).parents[2] / "data" / "named_na.json"
NAMES = ["NA", "None", "null", "nan", "NaN", "TRUE", "True", "inf", "Infinity", "N_A", "1e5", ""]


@pytest.fixture
def path(tmp_path):
    """Where a table lies."""
    return tmp_path / "rows.csv"


def _write(path, rows):
    pd.DataFrame([row.flat() for row in rows]).to_csv(path, index=False)


@pytest.mark.parametrize("read", [read_table, read_rows])
@pytest.mark.parametrize("names", [NAMES, *([name] * 2 for name in NAMES)], ids=str)
def test_names_are_texts(read, names, path):
    """Alone in their column and beside others; numbers are numbers, and missing where missing."""
    numbers = [0.1 + i for i in range(len(names))]
    _write(path, [
        Row(name, name, {"seeds": 2}, x, None, np.inf, x, "holds", name)
        for name, x in zip(names, numbers, strict=True)
    ])  # fmt: skip
    table = read(path)
    for column in ("claim", "instance", "note"):
        assert table[column].tolist() == names
    assert table["observed"].tolist() == numbers
    assert table["lower"].isna().all()
    assert (table["upper"] == np.inf).all()
    assert table.groupby("instance").size().sum() == len(names)


def test_both_readers_know_the_same_columns():
    """Figures read stored rows alone, with a reader of their own."""
    assert (table_file.TEXTS, table_file.NAMES) == (figure_rows.TEXTS, figure_rows.NAMES)


def test_an_instance_named_na(tmp_path):
    """From the file to the rows of a claim on it, and back."""
    words = ["verify", "--claim", "T1.budget", "--instance", str(NAMED_NA), "--out", str(tmp_path)]
    assert cli.main(words) == 0
    (rows,) = tmp_path.rglob("rows.csv")
    assert set(read_table(rows)["instance"]) == {"NA"}


FOREIGN = {
    "empty": ("", "No columns to parse from file"),
    "blank": ("\n\n", "No columns to parse from file"),
    "other columns": ("a,b\n1,2\n", "claim: missing"),
    "exact cells alone": ("claim,observed,lower,upper,bound\nx,1,1,1,2\n", "seeds: missing"),
    "texts": ("claim,seeds,observed,lower,upper,bound\nx,8,a,1,1,2\n", "observed: a text"),
    "ragged": ("claim,seeds\nx,1\ny,2,3,4\n", "Error tokenizing data"),
    "binary": ("\udcff\udcfe\0", "expected a table that verify has written"),
}


@pytest.mark.parametrize("case", FOREIGN)
def test_power_of_foreign_tables(case, path, capsys):
    """One line that names the file and the column, and nothing is written."""
    content, named = FOREIGN[case]
    path.write_bytes(content.encode(errors="surrogateescape"))
    assert cli.main(["power", str(path.parent)]) == 2
    error = capsys.readouterr().err
    assert error.startswith(f"error: {path}: ")
    assert named in error
    assert error.count("\n") == 1
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.parametrize("make", [os.mkfifo, lambda p: os.symlink("/dev/zero", p), os.mkdir])
def test_what_is_no_file_is_no_table(make, path):
    """A pipe would be waited for, a device read without end."""
    make(path)
    with pytest.raises(ValueError, match="no such table"):
        read_table(path)
