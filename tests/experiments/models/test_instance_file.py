"""Users' instance files: the example works, and whatever is wrong gets one clear error."""

import copy
import json
from pathlib import Path

import numpy as np
import pytest

from grpo_checks.experiments import __main__ as cli
from grpo_checks.experiments.models.building.argument import from_argument
from grpo_checks.experiments.models.instances import build

EXAMPLE = Path(cli.__file__).parent / "examples" / "lookup.json"
GOOD = json.loads(EXAMPLE.read_text())


ONE_STATE = {
    **{"format": "ta-mdp/1", "name": "one_state", "policy": {"kind": "tabular"}},
    **{"prompt_distribution": [1], "initial_distribution": [[1]], "depth": [0]},
    **{"tool_transition": [], "legal": [[True]], "reward": [[[[1]]]], "weights": [1]},
}


def _set(*path_and_value):
    """A change that sets one entry."""
    *path, value = path_and_value

    def change(content):
        target = content
        for key in path[:-1]:
            target = target[key]
        target[path[-1]] = value

    return change


def _drop(key):
    return lambda content: content.pop(key)


MALFORMED = {
    "row sums to 0.99": (_set("tool_transition", 0, 0, 2, 0.66), "tool_transition"),
    "rho sums to 0.99": (_set("prompt_distribution", [0.5, 0.49]), "prompt_distribution"),
    "mu sums to 2": (_set("initial_distribution", 0, 1, 1), "initial_distribution"),
    "negative probability": (_set("prompt_distribution", [1.5, -0.5]), "prompt_distribution[1]"),
    "negative response": (
        _set("tool_transition", 0, 0, [0, 0, 2, 0, -1]),
        "tool_transition[0, 0, 4]",
    ),
    "reward 1.5": (
        _set("reward", 0, 0, 0, 0, 1.5),
        "reward[0, 0, 0, 0] = 1.5: expected a reward in [0, 1]: shift and scale",
    ),
    "reward -0.5": (
        _set("reward", 1, 4, 1, 1, -0.5),
        "reward[1, 4, 1, 1] = -0.5: expected a reward in [0, 1]: shift and scale",
    ),
    "weight 0": (_set("weights", [1, 0]), "weights[1] = 0"),
    "weight negative": (_set("weights", [-1, 1]), "weights[0]"),
    "weight huge": (_set("weights", [1e300, 1]), "weights"),
    "weight irrational": (_set("weights", [0.1234567891234, 1]), "weights"),
    "K mismatch": (_set("weights", [1, 1, 1]), ": weights = array of shape (3,): expected 2"),
    "tool call in layer D": (_set("legal", 2, 0, True), "legal[2, 0]"),
    "no legal action": (_set("legal", 3, [False, False, False]), "legal[3]"),
    "legal is a number": (_set("legal", [[1, 1, 1]] * 5), "legal"),
    "legal too narrow": (_set("legal", [[True, True]] * 5), "legal"),
    "response skips a layer": (_set("depth", [0, 0, 2, 2, 1]), "tool_transition"),
    "response stays": (_set("tool_transition", 0, 0, ["2/3", 0, 0, 0, "1/3"]), "tool_transition"),
    "response to illegal call": (_set("tool_transition", 2, 0, [0, 0, 0, 1, 0]), "tool_transition"),
    "start below layer 0": (_set("initial_distribution", 0, [0, 0, 1, 0, 0]), "initial_distr"),
    "depth 10^9": (_set("depth", [0, 0, 10**9, 1, 1]), "depth[2]"),
    "depth fractional": (_set("depth", [0, 0, 1.5, 1, 1]), "depth"),
    "depth short": (_set("depth", [0, 0, 1, 1]), ": depth = array of shape (4,): expected 5"),
    "layer skipped": (_set("depth", [0, 0, 2, 2, 2]), ": depth[2] = 2: expected a state in each"),
    "ragged list": (_set("reward", 0, 0, [[1, 0]]), "reward"),
    "text for a number": (_set("weights", ["one", 1]), "weights[0]"),
    "division by zero": (_set("weights", ["1/0", 1]), "weights[0]"),
    "number without end": (_set("weights", ["1e999999999", 1]), "weights[0] = '1e999999999'"),
    "exponent in disguise": (_set("weights", ["1e1_000_000", 1]), "weights[0]"),
    "digits without end": (_set("weights", ["1/" + "9" * 10**6, 1]), "weights[0]"),
    "10^400": (_set("weights", [10**400, 1]), "weights[0]"),
    "100,000 states": (_set("depth", [0] * 100_000), "depth = 100000 states: expected at most"),
    "name without end": (_set("name", "n" * 10**6), "name = "),
    "key without end": (_set("n" * 10**6, 1), "unknown key"),
    "null": (_set("prompt_distribution", [None, 1]), "prompt_distribution"),
    "too few axes": (_set("reward", [[1, 0]]), "reward"),
    "empty": (_set("weights", []), "weights"),
    "unknown key": (_set("wieghts", [1, 1]), "'wieghts'"),
    "missing key": (_drop("weights"), "'weights'"),
    "format": (_set("format", "ta-mdp/0"), "format"),
    "name leaves the folder": (_set("name", "../../etc/passwd"), "name"),
    "policy kind": (_set("policy", {"kind": "neural"}), "policy.kind"),
    "policy is a text": (_set("policy", "tabular"), "policy.kind"),
    "policy key": (_set("policy", {"kind": "tabular", "features": []}), "'features'"),
    "observation across layers": (_set("policy", "observation", [0, 0, 0, 2, 3]), "observation[2]"),
    "features shape": (_set("policy", {"kind": "log-linear", "features": [[[1]]]}), "features"),
    "theta shape": (_set("theta", [[0, 0, 0]]), "theta"),
    "description": (_set("description", ["x"]), "description = ['x']: expected a text"),
    "name is NaN": (_set("name", float("nan")), "name = 'NaN, no number of JSON': expected"),
    "theta is NaN": (_set("theta", 0, 0, float("nan")), "theta[0, 0] = 'NaN, no number of JSON'"),
    "theta infinite": (_set("theta", 0, 0, 1e999), "theta"),
}

TEXTS = {
    "truncated": EXAMPLE.read_text()[:400],
    "empty file": "",
    "NaN": EXAMPLE.read_text().replace("0.7", "NaN"),
    "a list": "[1, 2]",
    "key twice": '{"format": "ta-mdp/1", "format": "ta-mdp/1"}',
    "nested without end": "[" * 100_000,
    "nested too deeply for NumPy": '{"weights": ' + "[" * 40 + "]" * 40 + "}",
    "binary": "\udcff\udcfe",
}


def _fails(path, capsys):
    """Exit status 2 and one line on stderr that names the file."""
    assert cli.main(["verify", "--instance", str(path), "--out", str(path.parent / "out")]) == 2
    captured = capsys.readouterr()
    assert captured.err.startswith(f"error: {path}: ")
    assert captured.err.count("\n") == 1
    assert len(captured.err) < 1000
    assert not (path.parent / "out").exists()
    return captured.err


@pytest.mark.parametrize("case", MALFORMED)
def test_malformed_fields(case, tmp_path, capsys):
    """The error names the field, and no run is started."""
    change, named = MALFORMED[case]
    content = copy.deepcopy(GOOD)
    change(content)
    path = tmp_path / "bad.json"
    path.write_text(json.dumps(content))
    assert named in _fails(path, capsys)


@pytest.mark.parametrize("case", TEXTS)
def test_malformed_files(case, tmp_path, capsys):
    """What is no JSON object at all."""
    path = tmp_path / "bad.json"
    path.write_text(TEXTS[case], errors="surrogateescape")
    _fails(path, capsys)


def test_numbers_that_float64_lacks_name_their_field(tmp_path, capsys):
    """As numbers in JSON, not texts: read as 0, infinity, or a whole number of 5,000 digits."""
    for number in ("1e-400", "1e400", "1" * 5000, "0." + "3" * 200):
        path = tmp_path / "bad.json"
        path.write_text(EXAMPLE.read_text().replace('"weights": [0.7', f'"weights": [{number}'))
        assert "weights[0] = '" in _fails(path, capsys)


def test_a_model_too_large_is_refused_with_its_cost(tmp_path, capsys):
    """Small enough for a file, but 16,384 reward vectors by 20,000 logits are 2.4 GiB."""
    rewards = [[f"{y % 16_384}/16384"] for y in range(20_000)]
    path = tmp_path / "large.json"
    path.write_text(json.dumps({**ONE_STATE, "legal": [[True] * 20_000], "reward": [[rewards]]}))
    assert "at most 1 GiB of gradients, not 2.44" in _fails(path, capsys)


def test_missing_file(tmp_path, capsys):
    """A path that leads nowhere."""
    assert "No such file" in _fails(tmp_path / "absent.json", capsys)


def test_the_example_is_what_it_says():
    """Fractions are read as such, and states that look alike share logits."""
    instance = build(from_argument(str(EXAMPLE)))
    assert float(instance.mdp.tool_transition[0, 0, 2]) == 2 / 3
    assert instance.theta.shape == (4, 3)
    assert instance.mdp.max_depth == 1
    assert np.isclose(instance.optimum, 0.7 + 0.3 * 2 / 3)
