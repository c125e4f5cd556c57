"""The deep claim of docs/your_own_theorem.md, as it is written there."""

import re
from pathlib import Path

import jax
import numpy as np
import pytest

from grpo_checks.experiments import __main__ as cli
from grpo_checks.experiments.falsifier.deep.model import deep_model
from grpo_checks.theory.estimators.advantages import Estimator
from grpo_checks.theory.estimators.group_law import group_law
from grpo_checks.theory.updates.moments import update_moments

PAGE = Path(__file__).parents[3] / "docs" / "your_own_theorem.md"
DEEP = re.findall(
    r"<!-- file: deep_halving.py -->\n```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.S
)[0]


@pytest.fixture
def file(tmp_path, monkeypatch):
    """In a scratch folder, the working directory."""
    monkeypatch.chdir(tmp_path)
    path = Path("deep_halving.py")
    path.write_text(DEEP)
    return path


def test_it_holds_and_its_mutant_does_not(file, capsys):
    """Certified; its own domain is deep, so that --deep has nothing to search, and says so."""
    assert cli.main(["verify", "--claim", str(file)]) == 0
    assert cli.main(["mutants", "--claim", str(file)]) == 0
    assert "certified case" in capsys.readouterr().out
    for named in ([str(file)], ["--claim", str(file)]):
        assert cli.main(["falsify", *named, "--deep", "--minutes", "0.01"]) == 2
        assert "its own, which is searched without --deep" in capsys.readouterr().err


def test_a_misspelt_argument_of_a_mutant_is_named(file, capsys):
    """It would be taken for a field of the model, and change nothing."""
    file.write_text(DEEP.replace('"parts": 3', '"part": 3'))
    assert cli.main(["mutants", "--claim", str(file)]) == 2
    assert "case 'groups of 32': field 'part': expected one of" in capsys.readouterr().err


def test_its_variance_is_that_of_an_update():
    """Of a full sweep over two prompts, from the law of groups."""
    scope: dict = {"__name__": "deep_halving"}
    exec(DEEP, scope)
    document = dict(scope["SEARCH_OR_GUESS"])
    start, reward = document["initial_distribution"], document["reward"]
    document |= {"prompt_distribution": [1, 3], "initial_distribution": [*start, [2, 1]]}
    document["reward"] = [*reward, [[[[1], [0]], [[0], [1]]], [[[0], [1]], [[1], [0]]]]]
    point = scope["STATEMENT"].domain.read({**document, "group_size": 3})
    del point["group_size"]
    arrays = {name: np.asarray(x, float) for name, x in point.items()}
    deep = jax.jit(lambda x: deep_model(**x))(arrays)
    variance = jax.jit(lambda x: deep_model(**x).variance(3))(arrays)
    law = group_law(deep.mdp, 3, Estimator("leave_one_out"))
    update = jax.jit(update_moments)(*deep, law)
    np.testing.assert_allclose(variance, update.variance, rtol=1e-12)
