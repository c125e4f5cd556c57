"""A trainer's file is judged by its gradients alone; one that has none gets one clear line."""

import sys
from collections import Counter
from itertools import product
from pathlib import Path

import numpy as np
import pytest

from grpo_checks.experiments.__main__ import main
from grpo_checks.experiments.conformance.batches import all_batches, count_batches, sampled_batches
from grpo_checks.experiments.conformance.cases.case import preset_case
from grpo_checks.experiments.conformance.episodes import list_tokens
from grpo_checks.experiments.conformance.models import model
from grpo_checks.experiments.conformance.report import judge, place
from grpo_checks.experiments.conformance.trainers import ADAPTERS, Job, run_trainer

ROOT = Path(__file__).resolve().parents[3]
EXAMPLE = ADAPTERS / "example_adapter.py"


def _answer(where, path=EXAMPLE):
    (answer,) = run_trainer(
        Path(sys.executable), path, [Job(where.episodes, where.batches, preset_case("trl"))]
    )
    return answer


@pytest.fixture(scope="module")
def where():
    return place("steps", 4, None)


@pytest.fixture(scope="module")
def answer(where):
    return _answer(where)


def test_example_conforms(where, answer):
    """A second implementation in NumPy, float64: to its rounding, and no further."""
    result = judge(where, preset_case("trl"), answer)
    assert result.verdict == "conforms"
    assert result.mean_error < result.mean_tolerance < 1e-12


def test_a_hundredth_of_a_batch_is_seen(where, answer):
    """What the tolerance lets pass is below any fault that could be planted."""
    louder = answer.gradient.copy()
    louder[7] *= 1 + 1e-6
    result = judge(where, preset_case("trl"), answer._replace(gradient=louder))
    assert result.verdict == "differs"
    assert result.batch_excess > 1e6


@pytest.mark.parametrize(("prompts", "many"), [(None, 25), (1, 10), (2, 55)])
def test_batches_are_all_ordered_draws(prompts, many):
    """Against every ordered batch, counted as a multiset of multisets."""
    episodes = list_tokens(model("conflict"))
    batches = all_batches(episodes, 4, prompts)
    assert len(batches.chance) == count_batches(episodes, 4, prompts) == many
    assert batches.chance.sum() == pytest.approx(1, abs=1e-14)
    if prompts == 2:
        return
    law = Counter()
    groups = [[*product(np.flatnonzero(episodes.prompt == q), repeat=4)] for q in (0, 1)]
    listed = product(*groups) if prompts is None else ((g,) for q in groups for g in q)
    for batch in listed:
        chance = np.prod([episodes.chance[list(g)].prod() for g in batch])
        law[tuple(tuple(sorted(map(int, g))) for g in batch)] += chance
    share = 1 if prompts is None else 0.5
    for index, chance in zip(batches.members.tolist(), batches.chance, strict=True):
        assert chance == pytest.approx(share * law[tuple(map(tuple, index))], rel=1e-12)


def test_sampled_batches_keep_to_a_prompt():
    """And episodes come as often as they should: 5 standard errors."""
    episodes = list_tokens(model("conflict"))
    index = sampled_batches(episodes, 4, 2, 5000).members
    prompt = episodes.prompt[index]
    assert (prompt == prompt[..., :1]).all()
    share = np.bincount(index.ravel(), minlength=4) / index.size
    expected = episodes.chance * episodes.rho[episodes.prompt]
    assert (abs(share - expected) < 5 * np.sqrt(4 / index.size)).all()


def test_responses_have_gradients():
    """Else a trainer that forgets to mask them would go unseen; and illegal tokens never occur."""
    for name in ("steps", "dice", "experiments/examples/lookup.json"):
        path = name if name.isidentifier() else str(ROOT / name)
        episodes = list_tokens(model(path))
        response = episodes.is_token & ~episodes.is_action
        assert np.linalg.norm(episodes.scores()[response], axis=1).min() > 0.1
        taken = episodes.legal[episodes.row, episodes.tokens]
        assert taken[episodes.is_token].all()
        for q in range(len(episodes.rho)):
            assert episodes.chance[episodes.prompt == q].sum() == pytest.approx(1)


FAULTS = {
    "def load(m): pass\ndef gradient(b): return [0.0]": r"gradient\(batch\): shape \(1,\)",
    "def load(m): pass\ndef gradient(b): return [float('nan')] * 9": r"gradient\[0, 0\] = nan",
    "def load(m): pass\ndef gradient(b): return None": r"gradient\(batch\) = None",
    "def load(m): pass\ndef gradient(b): return [0.0] * 9": "gradient: 0 in every batch",
    "def load(m): pass\ndef gradient(b): return 1 / 0": "line 2: ZeroDivisionError",
    "def load(m): m.theta += 0.1\ndef gradient(b): return [1.0] * 9": "theta: moved by 0.1",
    "def load(m): pass": "function 'gradient' is missing",
    "def load(m): pass\ndef gradient(b): return ['x'] * 9": "expected real numbers",
    "def load(m): pass\ndef gradient(b): return [1e30] * 9": r"= 1e\+30: expected a finite number",
    "import os\ndef load(m): os._exit(0)\ngradient = load": "ended before it answered",
    "import os\ndef load(m): os.kill(os.getpid(), 9)\ngradient = load": "with signal SIGKILL",
    "PRECISION = 'bf16'\ndef load(m): 0\ndef gradient(b): return [1.0] * 9": "precision = 'bf16'",
    "VERSIONS = 3\nload = gradient = len": "VERSIONS = 3: expected a dict",
    "def answer(job): return None": r"answer\(job\) = None: expected a dict",
    "import no_such_trainer": "No module named 'no_such_trainer'",
}


@pytest.mark.parametrize("text", FAULTS)
def test_bad_adapters_get_one_line(tmp_path, where, text):
    path = tmp_path / "bad.py"
    path.write_text(text)
    few = where._replace(batches=where.batches._replace(members=where.batches.members[:2]))
    with pytest.raises(ValueError, match=FAULTS[text]) as caught:
        _answer(few, path)
    assert str(path) in str(caught.value) or path.name in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--trainer", "nobody"], "trainer = 'nobody' has no adapter: expected one of"),
        (["--trainer", "nobody.py"], "nobody.py: no such file"),
        (["--trainer", str(EXAMPLE)], "rule = None: expected a preset"),
        (["--trainer", str(EXAMPLE), "--rule", "trl", "--groups", "1"], "group_size = 1"),
        (["--trainer", str(EXAMPLE), "--rule", "trl", "--groups", "99"], "expected at most 100000"),
    ],
)
def test_bad_input_of_the_command(capsys, monkeypatch, tmp_path, arguments, message):
    monkeypatch.chdir(tmp_path)
    assert main(["conformance", *arguments]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert message in line
