"""docs/models.md: its Python and its file mean what the page says."""

import json
import re
from pathlib import Path

import jax
import numpy as np
import pytest

from grpo_checks.experiments.models.building.argument import chosen
from grpo_checks.experiments.models.building.sparse_file import LISTS
from grpo_checks.experiments.models.describing.facts import facts
from grpo_checks.models import Model

ROOT = Path(__file__).parents[4]
PAGE = (ROOT / "docs" / "models.md").read_text(encoding="utf-8")
(CODE,) = re.findall(r"```python\n(.*?)```", PAGE, re.S)
(FILE,) = re.findall(r"```json\n(.*?)```", PAGE, re.S)


def test_the_code_runs_whatever_jax_is_set_to(tmp_path, monkeypatch):
    """Also in float32, which is what a user has who never heard of the option."""
    monkeypatch.chdir(tmp_path)
    jax.config.update("jax_enable_x64", False)
    try:
        exec(compile(CODE, "models.md", "exec"), {})
        assert jax.config.read("jax_enable_x64") is False
    finally:
        jax.config.update("jax_enable_x64", True)
    model = chosen("capitals.json")
    assert model.labels.prompts == ["France?", "Italy?"]
    assert model.spec.loaded.mdp.depth.size == 2 * 5


def test_the_file_is_a_model():
    """Looking at the coin is worth 1, guessing 1/2."""
    instance = Model.parse(json.loads(FILE)).instance()
    assert facts(instance).optimum == 1
    reward = np.asarray(instance.mdp.reward)[0, :, :, 0]
    assert reward.tolist() == [[0.5, 0.5], [1, 0], [0, 1]]


def test_the_page_lists_every_method():
    """Those that a file can call."""
    for method, *_ in LISTS.values():
        assert f"`{method}(" in PAGE, method


@pytest.mark.parametrize("path", re.findall(r"\]\((\.\./[^)]+)\)", PAGE))
def test_links_lead_somewhere(path):
    """From the folder of the page."""
    assert (ROOT / "docs" / path).resolve().exists()
