"""T1.K: exponents of V on `bits`, from the model; its numbers in a second way."""

from fractions import Fraction

import jax
import pytest
from flint import fmpq

from grpo_checks.experiments.claims.stationarity import components as t1_k
from grpo_checks.experiments.models.instances import build, named
from grpo_checks.experiments.points.stationarity import two_components
from grpo_checks.experiments.protocol.certificates import load_cases, path_of
from grpo_checks.experiments.protocol.claim import Scope
from grpo_checks.experiments.runs.judging import rows_of
from grpo_checks.theory.estimators.group_law import group_law
from grpo_checks.theory.rational.choices.choice import Kind
from grpo_checks.theory.rational.choices.update import prompt_update
from grpo_checks.theory.updates.moments import update_moments

_moments = jax.jit(update_moments)
LOO, GRPO = t1_k.UNBIASED, t1_k.NORMALIZED


def _exponents():
    rows = t1_k.rows(Scope("quick"), {})
    names = ("grows_in", "estimator", "weights", "correlation")
    return {tuple(row.extra[name] for name in names): row for row in rows}


def test_exponents_in_components_and_group_size():
    """In K they depend on the unit and the correlation, in G they are not -1 yet."""
    rows = _exponents()
    assert {row.evidence for row in rows.values()} == {"certified"}
    observed = {key: row.observed for key, row in rows.items()}
    loo, grpo = LOO.name, GRPO.name
    for key, expected in (
        (("K", loo, "1", 0.0), 1),
        (("K", loo, "1", 1.0), 2),
        (("K", loo, "1/K", 0.0), -1),
        (("K", loo, "1/K", 1.0), 0),
        (("K", grpo, "1", 1.0), 0),
    ):
        assert observed[key] == pytest.approx(expected, abs=1e-12)
    assert 1.05 < observed["K", loo, "1", 0.25] < observed["K", loo, "1", 0.5] < 1.95
    assert 0 < observed["K", grpo, "1", 0.0] < 0.01
    assert observed["G", loo, "1", 0.0] < -1.2
    assert -0.9 < observed["G", grpo, "1", 0.0] < -0.8
    held = [key for key, row in rows.items() if row.verdict == "holds"]
    assert held == [("K", loo, "1", 0.0)]
    assert {row.verdict for row in rows.values()} == {"holds", "refuted"}


def test_normalised_variance_of_three_bits():
    """G V, to the digits of the theory."""
    scaled = {g: float(g * t1_k.model_variance(3, 0.0, g, GRPO, "1")) for g in (2, 4, 8, 16, 32)}
    expected = dict(zip(scaled, (0.678, 0.942, 0.971, 0.964, 0.958), strict=True))
    assert scaled == pytest.approx(expected, abs=5e-4)


def _closed_form(components, correlation, g):
    """V = a/G + (2b-a)/(G(G-1)) in whole numbers: |s|^2 = 63/64, |grad J|^2 = Var(E[R|y])/64."""
    part = [Fraction(bin(y % 2**components).count("1")) for y in range(64)]
    shared = [Fraction(components * (y % 2)) for y in range(64)]
    c = Fraction(correlation)
    spread = lambda pairs: sum(p * x * x for p, x in pairs) - sum(p * x for p, x in pairs) ** 2  # noqa: E731
    every = [((1 - c) / 64, x) for x in part] + [(c / 64, x) for x in shared]
    mixed = [(Fraction(1, 64), (1 - c) * x + c * y) for x, y in zip(part, shared, strict=True)]
    total, slope = spread(every) * Fraction(63, 64), spread(mixed) / 64
    return (total - slope + (total + slope) / (g - 1)) / g


@pytest.mark.parametrize("correlation", [0.0, 0.25, 0.5, 1.0])
def test_variance_on_bits_in_whole_numbers(correlation):
    """By listing groups, and from moments of episodes; G V = K/4 (62 G + 2)/(64 (G-1))."""
    g = t1_k.GROUP_SIZE
    for k in (1, 2, 4):
        variance = t1_k.model_variance(k, correlation, g, LOO, "1")
        expected = _closed_form(k, correlation, g)
        assert variance == fmpq(expected.numerator, expected.denominator)
        assert t1_k.model_variance(k, correlation, g, LOO, "1/K") == variance / k**2
        if correlation == 0:
            assert g * variance == fmpq(k, 4) * fmpq(62 * g + 2, 64 * (g - 1))


@pytest.mark.parametrize("case", load_cases(path_of("T1.K")), ids=lambda case: case.name)
def test_variances_of_stored_cases_by_listing_groups(case):
    """Of both components, and of either alone: the closed form is exact."""
    point = two_components.STATEMENT.domain.read(case.document)
    fields = [part[0].tolist() for part in point["kinds"]]
    kinds = [Kind(p, tuple(r), tuple(s)) for p, r, s in zip(*fields, strict=True) if p]
    for part, variance in zip(
        (slice(2), slice(1), slice(1, 2)), two_components._enclosed(point), strict=True
    ):
        some = [kind._replace(rewards=kind.rewards[part]) for kind in kinds]
        weights = (fmpq(1),) * len(some[0].rewards)
        listed = prompt_update(some, weights, point["group_size"], LOO)
        assert variance == listed.variance


@pytest.mark.parametrize("estimator", [LOO, GRPO])
def test_variance_on_bits_in_floats(estimator):
    """The general group law on the same instance."""
    instance = build(named("bits", components=3, correlation=0.5))
    law = group_law(instance.mdp, 8, estimator, "counts")
    moments = _moments(instance.mdp, instance.policy, instance.theta, law).variance
    exact = t1_k.model_variance(3, 0.5, 8, estimator, "1")
    assert float(moments) == pytest.approx(float(exact), rel=1e-12)


def test_another_model_would_change_the_exponent(monkeypatch):
    """V comes from the instance: with weights that grow, or a policy that does, it says so."""
    right = t1_k.uniform_choice
    monkeypatch.setattr(t1_k, "uniform_choice", lambda *model: _heavier(right(*model)))
    # The one cell that holds, and little of the others.
    monkeypatch.setattr(t1_k, "CELLS", [(LOO, "1", 0.0)])
    monkeypatch.setattr(t1_k, "GROUPS", {"quick": (2, 4)})
    t1_k.model_variance.cache_clear()
    try:
        assert _exponents()["K", LOO.name, "1", 0.0].verdict == "refuted"
    finally:
        t1_k.model_variance.cache_clear()
    bits = build(named("bits", components=2))
    monkeypatch.setattr(t1_k, "build", lambda spec: bits._replace(theta=spec))
    (row,) = t1_k.rows(Scope("quick"), {})
    assert (row.verdict, row.note) == ("assumption unmet", "the policy changes with K")


def _heavier(choice):
    """Each component of weight K."""
    return choice._replace(weights=[w * len(choice.weights) for w in choice.weights])


def test_other_instances_leave_the_assumption_unmet():
    """A claim about a family says nothing of another model."""
    (row,) = rows_of(t1_k.CLAIM, Scope("quick", named("coding", components=1)), {})
    assert row.verdict == "assumption unmet"
