"""Copies among runs: all rewards multiplied, and nothing else."""

from dataclasses import replace
from fractions import Fraction
from types import SimpleNamespace

from grpo_checks.experiments.claims.stationarity.rate import marked
from grpo_checks.experiments.models import copies as module
from grpo_checks.experiments.models.copies import copies
from grpo_checks.experiments.models.instances import named
from grpo_checks.experiments.models.settings import RunSettings
from grpo_checks.experiments.protocol.claim import Row
from grpo_checks.theory.mdp.mdp import TAMDP
from grpo_checks.theory.mdp.policy import Tabular


def test_two_equal_components_copy_one():
    """Not where components differ, the run does, or the step is given and not that of T1.rate."""
    one, two = (RunSettings(named("conflict", components=k), 2, 100, 128) for k in (1, 2))
    sums = [RunSettings(named("bits", components=k), 2, 100, 128) for k in (1, 2)]
    moved = replace(two, instance=named("conflict", components=2, start=0.5))
    others = [replace(two, n_steps=200), replace(two, group_size=4), replace(two, step=0.1), moved]
    assert copies([one, two, *sums, *others]) == {two: one}
    rows = [Row("T", r.instance.name, r.parameters(), 0.1, 0.1, 0.1, 1.0, "holds") for r in sums]
    twice = Row("T", "conflict", two.parameters(), 0.1, 0.1, 0.1, 1.0, "holds")
    table = marked([one, two, *sums], [twice, twice, *rows])
    assert [row.extra.get("copy_of") for row in table] == [None, "K = 1", None, None]


def _bandit(weights):
    """Two answers, a component each."""
    mdp = TAMDP(
        prompt_distribution=[1], initial_distribution=[[1]], depth=[0], tool_transition=[],
        legal=[[True, True]], reward=[[[[1, 0], [0, 1]]]], weights=weights,
    )  # fmt: skip
    policy = Tabular(mdp)
    return SimpleNamespace(mdp=mdp, policy=policy, theta=policy.zeros())


def test_rewards_are_compared_as_fractions(monkeypatch):
    """Three times the weights, whose shares float64 rounds otherwise, and weights that differ by
    1e-12, which twelve digits of a share do not show."""
    last = Fraction(999_999, 1_000_000)
    weights = {
        "a": (1, last),
        "b": (3, 3 * last),
        "c": (1, Fraction(999_998, 999_999)),
        "d": (Fraction(1, 10), Fraction(2, 10)),
        "e": (Fraction(3, 10), Fraction(6, 10)),
    }
    monkeypatch.setattr(module, "build", lambda spec: _bandit(weights[spec.name]))
    runs = {x: RunSettings(replace(named("conflict"), name=x), 2, 100, 128) for x in weights}
    assert copies(runs.values()) == {runs["b"]: runs["a"], runs["e"]: runs["d"]}
    assert 0.1 / (0.1 + 0.2) != 0.3 / (0.3 + 0.6)
