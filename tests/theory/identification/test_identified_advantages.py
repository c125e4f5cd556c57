"""Rules are named from advantages whose label is not seen, and made-up ones are not named."""

from dataclasses import replace

import numpy as np
import pytest
from helpers.batches.batch_advantages import in_batch
from helpers.batches.recorded import CASES, preset_name

from grpo_checks.theory.estimators.advantages import Estimator
from grpo_checks.theory.identification.advantages import identify_advantages
from grpo_checks.theory.identification.candidates import candidates
from grpo_checks.theory.identification.earned import earned
from grpo_checks.theory.identification.fitting import Precision
from grpo_checks.theory.identification.predicted import advantages
from grpo_checks.theory.identification.telling import telling_batch
from grpo_checks.theory.rules.presets import PRESETS, preset

WEIGHTS = np.array([1.0, 0.5])
G = 4
# Of float64 sums of 24 numbers: what NumPy's own mean and sd are right to.
DOUBLE = Precision(rounding=2.0**-52)
EXACT = np.arange(3).repeat(G)


def _rewards(rng, groups=3):
    """Groups that vary more and less, in two components."""
    return rng.integers(0, 5, (groups, G, 2)) / 4 * np.array([1, 0.5, 0.25])[:, None, None]


def _by_definition(estimator, rewards, lengths):
    """(B, G): NumPy's means and standard deviations, one group at a time."""
    composite = rewards @ WEIGHTS
    shown = rewards if estimator.name == "componentwise_normalized" else composite[..., None]
    weights = WEIGHTS if shown is rewards else np.ones(1)
    off = shown - shown.mean(1, keepdims=True)
    if estimator.name in ("group_normalized", "componentwise_normalized"):
        off = off / (shown.std(1, ddof=estimator.ddof, keepdims=True) + estimator.eps)
    if estimator.name == "leave_one_out":
        off = off * G / (G - 1)
    return in_batch(estimator, (off @ weights)[None], composite[None], lengths[None])[0]


def _case():
    rng = np.random.default_rng(3)
    return _rewards(rng), rng.integers(1, 6, (3, G)).astype(float)


@pytest.mark.parametrize("free", [c.estimator for c in candidates(2, True)], ids=str)
def test_predictions_are_the_definitions(free):
    """Every candidate, with an eps of a size that shows."""
    estimator = replace(free, eps=0.03, whiten=None if free.whiten is None else 0.02)
    rewards, lengths = _case()
    data = earned(rewards.reshape(-1, 2), WEIGHTS, EXACT, None, lengths.reshape(-1))
    values = advantages(data, estimator, 0.03, 0.02).values.reshape(3, G)
    np.testing.assert_allclose(values, _by_definition(estimator, rewards, lengths), atol=1e-13)


def _kind(estimator):
    """All but eps; of one-token episodes, whitening over tokens is whitening over episodes."""
    whitened = estimator.whiten is not None
    return replace(estimator, eps=0.0, whiten=0.0 if whitened else None, whiten_tokens=False)


@pytest.mark.parametrize("field", ["advantages", "advantages_float32"])
def test_recorded_advantages_of_trainers_are_named(field):
    """Their rule is among those that explain them, with its eps; a sixteenth of 140 cases."""
    for case in CASES[field == "advantages" :: 16]:
        rewards = np.array([[np.nan if r is None else r for r in row] for row in case["rewards"]])
        group = np.arange(len(rewards)) // case["group_size"]
        observed = np.array(case[field])
        answer = identify_advantages(rewards, np.array(case["weights"]), group, observed)
        rule = preset(preset_name(case)).rule.estimator
        (fit,) = (f for f in answer.usual if _kind(f.estimator) == _kind(rule))
        for name, (low, high) in fit.ranges.items():
            assert low * 0.999 <= getattr(rule, name) <= high * 1.001, (case["id"], name)


PRESET_RULES = sorted({
    p.rule.estimator for name, p in PRESETS.items() if p.rule.estimator.name != "greedy_baseline"
}, key=str)  # fmt: skip


@pytest.mark.parametrize("rule", PRESET_RULES, ids=str)
def test_three_groups_name_every_preset(rule):
    """In float32, with three groups of two components: one usual rule explains the data."""
    rewards, lengths = _case()
    observed = _by_definition(rule, rewards, lengths).astype(np.float32).astype(float)
    flat = rewards.reshape(-1, 2)
    answer = identify_advantages(
        flat, WEIGHTS, EXACT, observed.reshape(-1), lengths=lengths.reshape(-1)
    )
    # Inside or outside the root is one number of a batch, and a small one: not to be seen.
    kinds = {replace(_kind(f.estimator), whiten_inside=False) for f in answer.usual}
    if rule.name == "mean_baseline" and rule.whiten is not None:
        # G/(G-1) is divided out again, but for the eps.
        kinds -= {replace(_kind(rule), name="leave_one_out", whiten_inside=False)}
    assert kinds == {replace(_kind(rule), whiten_inside=False)}
    assert {f.estimator.whiten_tokens for f in answer.usual} == {rule.whiten_tokens}


@pytest.mark.parametrize("eps", [0.0137, 3e-4])
def test_an_unusual_eps_is_estimated(eps):
    """A continuous number, with its range; groups in any order and of any sizes."""
    rng = np.random.default_rng(5)
    group = rng.permutation(np.repeat([7, 1, 4], [3, 5, 8]))
    rewards = rng.integers(0, 5, (16, 1)) / 4 * np.where(group == 4, 0.5, 1)[:, None]
    observed = np.zeros(16)
    for label in (7, 1, 4):
        r = rewards[group == label, 0]
        observed[group == label] = (r - r.mean()) / (r.std(ddof=1) + eps)
    answer = identify_advantages(rewards, np.ones(1), group, observed, precision=DOUBLE)
    assert {f.estimator.name for f in answer.rules} == {
        "group_normalized", "componentwise_normalized"
    }  # fmt: skip
    low, high = answer.nearest.ranges["eps"]
    assert low <= eps <= high < low + 1e-12
    assert not answer.usual


MADE_UP = {
    "median": lambda r: r - np.median(r, 1, keepdims=True),
    "ranks": lambda r: r.argsort(1).argsort(1) - (G - 1) / 2,
    "squashed": lambda r: np.tanh((r - r.mean(1, keepdims=True)) / r.std(1, keepdims=True)),
    "worst": lambda r: r - r.min(1, keepdims=True),
}


@pytest.mark.parametrize("name", MADE_UP)
def test_none_for_rules_made_up(name):
    """What is left is said, far above rounding."""
    rewards = _case()[0]
    observed = MADE_UP[name](rewards @ WEIGHTS).reshape(-1)
    answer = identify_advantages(rewards.reshape(-1, 2), WEIGHTS, EXACT, observed)
    if name in ("median", "worst"):
        # A baseline of each group that is not its mean: told as such, and as nothing else.
        assert [f.estimator.name for f in answer.rules] == ["greedy_baseline"]
        return
    assert answer.rules == ()
    assert answer.nearest.excess > 1e3
    assert 0.01 < answer.nearest.unexplained < 1


def test_a_factor_is_named():
    """Twice the advantages of RLOO: nothing without a factor, 2 with one."""
    rewards, lengths = _case()
    observed = 2 * _by_definition(Estimator("leave_one_out"), rewards, lengths).reshape(-1)
    answer = identify_advantages(rewards.reshape(-1, 2), WEIGHTS, EXACT, observed)
    scales = {f.estimator.name: f.scale for f in answer.rules if f.estimator.whiten is None}
    assert scales["leave_one_out"] == pytest.approx(2)
    assert scales["mean_baseline"] == pytest.approx(2 * G / (G - 1))
    assert not answer.usual


def test_a_batch_tells_rules_that_one_group_does_not():
    """One group of two: seven rules and more; on the batch that is named they differ."""
    rewards, group = np.array([[1.0], [0.0]]), np.zeros(2, int)
    observed = np.array([1, -1]) * 0.5 / (0.5**0.5 + 1e-4)
    rules = identify_advantages(rewards, np.ones(1), group, observed).usual
    assert len(rules) == 4
    batch = telling_batch(rules, np.ones(1))
    assert batch is not None
    assert batch.difference > 0.05
    flat = batch.rewards.reshape(-1, 2)
    data = earned(flat, batch.weights, np.repeat([0, 1], 4), None, batch.lengths.reshape(-1))
    for rule in rules:
        values = np.real(
            advantages(data, rule.estimator, 1e-4, rule.estimator.whiten or 0.0).values
        )
        again = identify_advantages(
            flat, batch.weights, np.repeat([0, 1], 4), values, lengths=batch.lengths.reshape(-1)
        )
        assert [f.estimator for f in again.usual] == [rule.estimator]


GOOD = {
    "rewards": np.eye(2)[:, :1], "weights": np.ones(1), "group": np.zeros(2),
    "advantages": np.array([0.5, -0.5]),
}  # fmt: skip


@pytest.mark.parametrize(
    ("field", "value", "expected"),
    [
        ("rewards", np.ones(2), "shape (N, K)"),
        ("rewards", np.full((2, 1), np.inf), "finite number, or NaN"),
        ("rewards", np.full((2, 1), np.nan), "one in each row"),
        ("weights", np.ones(2), "shape (1,)"),
        ("group", np.zeros(3), "shape (2,)"),
        ("advantages", np.array([np.nan, 0]), "a finite number"),
        ("lengths", np.array([0.0, 1]), "at least 1 token"),
        ("batch", np.array([0, 1]), "labels that differ between batches"),
    ],
)
def test_bad_data_are_refused(field, value, expected):
    """One line that names the field."""
    with pytest.raises(ValueError, match=expected.replace("(", r"\(").replace(")", r"\)")):
        identify_advantages(**{**GOOD, field: value})
