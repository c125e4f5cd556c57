"""A user's file is read once: what was parsed is what is computed on, and what addresses it."""

import json
from pathlib import Path

import numpy as np
from odd.odd_files import EXAMPLE

from grpo_checks.experiments.models.building import argument
from grpo_checks.experiments.models.building.argument import from_argument
from grpo_checks.experiments.models.instances import build
from grpo_checks.experiments.protocol.claim import Scope
from grpo_checks.experiments.storage.files import digest


def test_a_file_that_changes_meanwhile(tmp_path):
    """The model, and the digest in the address, are those of the bytes that were parsed."""
    path = tmp_path / "model.json"
    path.write_text(EXAMPLE.read_text())
    spec = from_argument(str(path))
    changed = json.loads(EXAMPLE.read_text())
    changed["weights"] = [7, 7]
    path.write_text(json.dumps(changed))
    assert spec.settings()["options"]["sha256"] == digest(EXAMPLE.read_text())
    np.testing.assert_array_equal(
        build(spec).mdp.weights, json.loads(EXAMPLE.read_text())["weights"]
    )
    other = from_argument(str(path))
    assert Scope("quick", other).settings() != Scope("quick", spec).settings()
    np.testing.assert_array_equal(build(other).mdp.weights, [7, 7])


def test_one_reading(tmp_path, monkeypatch):
    """Also of a file that is gone at once."""
    path, kept, read = tmp_path / "model.json", argument.read_text, []
    path.write_text(EXAMPLE.read_text())

    def once(where: Path) -> str:
        read.append(where)
        text = kept(where)
        path.unlink()
        return text

    monkeypatch.setattr(argument, "read_text", once)
    spec = from_argument(str(path))
    assert build(spec).name == "lookup"
    assert not spec.is_named("lookup")
    assert read == [path]
