"""Files that somebody else wrote: whatever lies there, they are read at once or refused."""

import json
import os
import time
from pathlib import Path

import pytest

from grpo_checks.experiments.models import instance_file
from grpo_checks.experiments.models.building.argument import from_argument
from grpo_checks.experiments.models.instances import build
from grpo_checks.experiments.storage.input_file import parse_json

EXAMPLE = Path(instance_file.__file__).parents[1] / "examples" / "lookup.json"


@pytest.mark.parametrize("levels", [32, 33, 900, 100_000])
def test_levels(levels):
    """What is deeper than NumPy or Python can follow is refused by its depth."""
    text = "[" * levels + "]" * levels
    if levels <= 32:
        assert json.dumps(parse_json(text)) == text
    else:
        with pytest.raises(ValueError, match="nested too deeply: expected at most 32 levels"):
            parse_json(text)


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("1e-400", "1e-400"),
        ("-1E-400", "-1E-400"),
        ("1e400", "1e400"),
        ("1e999999999", "1e999999999"),
        ("9" * 101, "9" * 101),
        ("0." + "3" * 99, "0." + "3" * 99),
        ("NaN", "NaN, no number of JSON"),
        ("-Infinity", "-Infinity, no number of JSON"),
        ("1e-300", 1e-300),
        ("-0.00e9", 0.0),
        ("9" * 100, 10**100 - 1),
    ],
)
def test_numbers_are_not_lost(text, number):
    """What float64 would round to 0 or infinity is still there for who reads the field."""
    (read,) = parse_json(f"[{text}]")
    assert (type(read), read) == (type(number), number)


def test_many_keys_take_no_longer(tmp_path):
    """64,000 unknown ones: the search for one that occurs twice took two minutes."""
    path = tmp_path / "keys.json"
    keys = [f"k{i}" for i in range(64_000)]
    started = time.process_time()
    path.write_text(json.dumps(dict.fromkeys(keys, 1)))
    with pytest.raises(ValueError, match=r"unknown key 'k0'"):
        build(from_argument(str(path)))
    path.write_text("{" + ",".join(f'"{key}":1' for key in [*keys, "k7"]) + "}")
    with pytest.raises(ValueError, match=r"keys\.json: key 'k7' occurs twice: expected once"):
        build(from_argument(str(path)))
    assert time.process_time() < started + 10


def _pipe(path):
    os.mkfifo(path)


@pytest.mark.parametrize(
    ("make", "named"),
    [
        (_pipe, "not a regular file"),
        (lambda path: path.symlink_to("/dev/zero"), "not a regular file"),
        (lambda path: (_pipe(path.with_suffix("")), path.symlink_to(path.with_suffix(""))), "reg"),
        (lambda path: path.mkdir(), "Is a directory"),
        (lambda path: path.symlink_to(path), "symbolic links"),
        (lambda path: path.write_bytes(b" " * (2**24 + 1)), "16777217 bytes: expected at most"),
    ],
    ids=["pipe", "device", "link to a pipe", "folder", "link to itself", "large"],
)
def test_what_has_no_end_is_not_read(make, named, tmp_path):
    """A pipe would be waited for, /dev/zero eats the memory."""
    path = tmp_path / "odd.json"
    make(path)
    with pytest.raises(ValueError, match=f"odd.json: .*{named}"):
        build(from_argument(str(path)))


def test_a_link_to_a_file_is_read(tmp_path):
    """Where it leads to is a regular file."""
    path = tmp_path / "link.json"
    path.symlink_to(EXAMPLE)
    assert build(from_argument(str(path))).name == build(from_argument(str(EXAMPLE))).name
