"""A log sampled from a model says of the model what is true, names its rule, and what to change."""

from dataclasses import replace

import jax.numpy as jnp
import numpy as np
import pytest
from helpers.logs.sampled import NAMES, STEPS, WEIGHTS, G, learning, sampled, truth

from grpo_checks.experiments.advice.logs.analysis import estimate, names_of, table
from grpo_checks.experiments.advice.logs.grouping import Window, group_rows
from grpo_checks.experiments.advice.logs.rules import rule_of
from grpo_checks.theory.estimators.advantages import Estimator
from grpo_checks.theory.estimators.group_law import group_law
from grpo_checks.theory.identification.earned import earned
from grpo_checks.theory.identification.predicted import advantages
from grpo_checks.theory.updates.silent import silence


@pytest.fixture(scope="module")
def model():
    """Laws while `coding` learns."""
    return learning()


def _table(rows):
    grouped = group_rows(rows, WEIGHTS, 1, None)
    return table(grouped, names_of(grouped, NAMES))


def test_truth_is_that_of_the_suite(model):
    """Silent shares of `coding` by the group law, for unit weights."""
    laws, vectors, mdp = model
    composite = vectors.sum(1)
    merged = np.stack([laws[0][:, composite == v].sum(1) for v in np.unique(composite)], 1)
    law = group_law(mdp, 4, Estimator("leave_one_out"))
    # Sums of 8 numbers of at most 1.
    np.testing.assert_allclose(silence(jnp.asarray(laws[0]), law), (merged**4).sum(1), atol=1e-14)


def test_limits_cover_the_truth(model):
    """20 logs, 30 numbers: none is missed more than 6 times, which Bin(20, .05) exceeds with a
    chance of 3.3e-5. tests/trials/log_coverage.py has 200 logs."""
    answers = truth(model)
    missed = dict.fromkeys(answers, 0)
    for seed in range(20):
        rows = _table(sampled(model, seed))
        for key, value in answers.items():
            answer = estimate(rows, *key)
            missed[key] += not answer.low <= value <= answer.high
    assert max(missed.values()) <= 6, missed


def test_estimates_come_near_the_truth(model):
    """With 100 times as many groups: within five standard errors of at most .5/sqrt(n)."""
    rows = _table(sampled(model, 1, 1200))
    for (quantity, about), value in truth(model).items():
        if quantity in ("mean", "silent", "spread"):
            assert abs(estimate(rows, quantity, about).value - value) < 2.5 / np.sqrt(8 * 1200)


def _window(model, seed=0):
    return group_rows(sampled(model, seed, 4), np.ones(3), 1, None).windows[0]


def _with(window: Window, values):
    return window._replace(advantage=values)


def _computed(window, estimator, labels):
    data = earned(
        window.groups.rewards, WEIGHTS, labels, np.repeat(window.step, window.groups.sizes)
    )
    return np.real(advantages(data, estimator, estimator.eps, estimator.whiten or 0.0).values)


def test_rule_and_weights_are_told(model):
    """From the advantages alone; another rule is another sentence, and none is none."""
    window = _window(model)
    answer = rule_of(window, NAMES, None)
    np.testing.assert_allclose(answer.weights, WEIGHTS, atol=1e-12)
    assert "group_normalized, ddof 1, eps 0.0001." in answer.lines[1]
    labels = window.groups.member
    plain = _with(window, _computed(window, Estimator("mean_baseline"), labels))
    assert "those of mean_baseline" in "\n".join(rule_of(plain, NAMES, WEIGHTS).lines)
    whitened = replace(Estimator("group_normalized", 1, 1e-4), whiten=1e-4)
    lines = rule_of(_with(window, _computed(window, whitened, labels)), NAMES, WEIGHTS).lines
    assert "then whitened over the batch" in "\n".join(lines)
    noise = np.random.default_rng(0).normal(size=labels.size)
    assert "of no rule that is known" in "\n".join(
        rule_of(_with(window, noise), NAMES, WEIGHTS).lines
    )
    silent = _with(window, np.full(labels.size, np.nan))
    assert "No advantages were logged" in rule_of(silent, NAMES, None).lines[0]


def test_wrong_groups_are_named(model):
    """Advantages of rows in a row, where a prompt's rows are spread over the step."""
    window = _window(model)
    rng = np.random.default_rng(3)
    batch = np.repeat(window.step, window.groups.sizes)
    place = np.empty(batch.size, np.int64)
    for step in np.unique(batch):
        place[batch == step] = rng.permutation(np.flatnonzero(batch == step))
    labels = place // G
    wrong = _with(window, _computed(window, Estimator("group_normalized", 1, 1e-4), labels))
    lines = "\n".join(rule_of(wrong._replace(place=place), NAMES, WEIGHTS).lines)
    assert (
        f"WRONG GROUPS: the advantages are those of group_normalized, ddof 1, eps 0.0001 with {G} "
        in lines
    )


def test_residue_of_silent_groups_is_told(model):
    """As float32 leaves it: .0012 in place of 0."""
    window = _window(model)
    groups = replace(window.groups, weights=WEIGHTS)
    spread = groups.total(groups.centred(groups.composite) ** 2)
    still = np.repeat(spread < 1e-12, groups.sizes)
    if not still.any():
        pytest.skip("no silent group in this sample")
    odd = _with(window, np.where(still, 0.0012, window.advantage))
    lines = "\n".join(rule_of(odd, NAMES, WEIGHTS).lines)
    assert "RESIDUE: " in lines
    assert "advantages up to 0.0012 in place of 0" in lines


def test_no_residue_where_weights_tell_rewards_apart(model):
    """(1, 0, 1) and (0, 1, 1) have one sum, but not with these weights."""
    window = _window(model)
    rewards = window.groups.rewards.copy()
    rewards[:G] = [[1, 0, 1], [0, 1, 1]] * (G // 2)
    odd = window._replace(groups=replace(window.groups, rewards=rewards))
    estimator = Estimator("group_normalized", 1, 1e-4)
    odd = _with(odd, _computed(odd, estimator, odd.groups.member))
    assert "RESIDUE" not in "\n".join(rule_of(odd, NAMES, WEIGHTS).lines)


def test_groups_that_one_text_hides_are_told(model):
    """All prompts of a step are the same: a group is then the whole step, unless its size is given,
    and the advantages tell it."""
    rows = sampled(model, 0, 2)._replace(prompt=np.zeros(STEPS * 2 * G, np.uint64))
    (hidden,) = group_rows(rows, WEIGHTS, 1, None).windows
    assert hidden.groups.sizes.tolist() == [2 * G] * STEPS
    lines = "\n".join(rule_of(hidden, NAMES, WEIGHTS).lines)
    assert f"with {G} rows in a row (--group-size {G})" in lines
    (given,) = group_rows(rows, WEIGHTS, 1, G).windows
    assert given.groups.sizes.tolist() == [G] * 2 * STEPS
    assert "those of group_normalized" in rule_of(given, NAMES, WEIGHTS).lines[0]
