"""What Theorem 3's verdicts rest on: errors just seen and just not, and models without a stake."""

from fractions import Fraction
from math import comb

import jax.numpy as jnp
import numpy as np
import pytest
from helpers.learning_problems import short_chunks
from odd.odd_models import one_decision, spec_of

from grpo_checks.experiments.claims.generalization import coverage as t3_coverage
from grpo_checks.experiments.claims.generalization import depth as t3_depth
from grpo_checks.experiments.claims.generalization import ood as t3_ood
from grpo_checks.experiments.claims.generalization import tightness as t3_tightness
from grpo_checks.experiments.claims.generalization.problems import DELTAS, exact, specialists
from grpo_checks.experiments.models.instances import named
from grpo_checks.experiments.protocol.claim import Scope, overall
from grpo_checks.experiments.runs.judging import EQUAL, FLOATING, rows_of, sober
from grpo_checks.experiments.runs.tables import label
from grpo_checks.theory.generalization import coverage as covering
from grpo_checks.theory.generalization.coverage import coverage
from grpo_checks.theory.generalization.learning import Learning
from grpo_checks.theory.generalization.worst_posterior import worst_posterior
from grpo_checks.theory.instances.tools.relay import relay

CLAIMS = (t3_coverage, t3_tightness, t3_ood, t3_depth)
TWO_KINDS = Learning([[0.0, 1.0]], [0.8, 0.2])
_short = pytest.fixture(short_chunks, autouse=True, scope="module")


def _shifted_risk(by):
    def rule(learned, at):
        return (learned.risk + by)[None]

    return rule


def test_samples_that_rounding_may_put_on_either_side_are_counted():
    """A bound that is the risk but for an ulp fails by chance; one that is 1e-9 off does not."""
    for by, near in ((1e-16, True), (-1e-16, True), (1e-9, False), (-1e-9, False)):
        cell = coverage(TWO_KINDS, 5, 1.0, [0.05], _shifted_risk(by))
        assert (cell.rounding[0, 0] > 0.999) == near
        if not near:
            assert cell.rounding[0, 0] < 1e-12
            assert cell.failure[0, 0] == pytest.approx(float(by < 0))


def test_a_bound_of_one_cannot_fail():
    """However close the risk is to it."""
    hopeless = Learning([[1.0, 1.0]], [1 / 3, 2 / 3])
    cell = coverage(hopeless, 5, 1.0, [0.05])
    assert (cell.failure == 0).all()
    assert (cell.rounding == 0).all()
    assert cell.trivial.all()


@pytest.mark.parametrize("n", [5, 60, 200])
def test_the_weights_are_as_near_as_stated(n):
    """P(no hard task, or one) in fractions, of the float chance itself."""
    cell = coverage(TWO_KINDS, n, 1.0, [0.05], _threshold(1.5 / n))
    p = Fraction(0.2)
    wanted = sum(comb(n, k) * p**k * (1 - p) ** (n - k) for k in (0, 1))
    assert abs(Fraction(float(cell.failure[0, 0])) - wanted) <= cell.rounding[0, 0]
    assert 0 < cell.rounding[0, 0] <= 1e-11 * wanted


def _threshold(level):
    """Fails exactly where fewer errors than that were met."""

    def rule(learned, at):
        return jnp.where(learned.empirical < level, 0.0, 1.0)[None]

    return rule


@pytest.mark.parametrize(
    ("excess", "verdict"), [(0.9, "holds"), (1.1, "refuted"), (1e3, "refuted")]
)
def test_a_planted_failure_probability(excess, verdict, monkeypatch):
    """Over delta by a multiple of its rounding error, in one of 18 cells: T3.coverage."""
    cell = exact(specialists(), 20, 1.0)
    off = np.full_like(cell.failure, 1e-14)
    failure = cell.failure.copy()
    failure[2, 1] = DELTAS[1] + excess * 1e-14
    planted = cell._replace(failure=failure, rounding=off, trivial=np.zeros_like(cell.trivial))
    rows = [sober(row) for row in t3_coverage._cell_rows(specialists(), 20, 1.0, planted)]
    assert overall([row.verdict for row in rows]) == verdict
    (shown,) = [row for row in rows if EQUAL in row.note or FLOATING in row.note]
    assert (shown.parameters["bound_name"], shown.rounding) == ("McAllester", 1e-14)


@pytest.mark.parametrize(("excess", "verdict"), [(0.9, "holds"), (1.1, "refuted")])
def test_a_planted_offset(excess, verdict, monkeypatch):
    """kl-xi over kl-2sqrt(n) by a multiple of what their means may be off: T3.tightness."""
    cell = exact(specialists(), 20, 1.0)
    offsets = t3_tightness._offsets(specialists(), 20, 1.0, None)
    offsets["kl-xi"] = offsets["kl-2sqrt(n)"] + excess * 2 * cell.mean_rounding
    monkeypatch.setattr(t3_tightness, "_offsets", lambda *_: offsets)
    rows = t3_tightness._cell(Scope("quick", mutant="none"), specialists(), 20, 1.0, False)
    assert overall([row.verdict for row in rows]) == verdict
    assert cell.mean_rounding < 1e-11


@pytest.mark.parametrize(("excess", "verdict"), [(0.9, "holds"), (1.1, "refuted")])
def test_a_planted_gap_of_values(excess, verdict):
    """Over the bound by a multiple of its rounding error, at equality (D = 1): T3.depth."""
    mdp, other = (relay(depth=1, failure=f).mdp for f in (0.0, 0.01))
    always = np.zeros((1, *mdp.legal.shape))
    always[0, :-2, 0] = always[0, -2:, 1] = 1
    compared = t3_depth._compare(mdp, other, always, 1.0)
    row = sober(t3_depth._gap_row(mdp, "relay", "final", 1, compared))
    assert (row.verdict, row.note) == ("holds", EQUAL)
    assert row.rounding < 1e-13
    planted = compared._replace(gap=compared.bound + excess * row.rounding)
    assert t3_depth._gap_row(mdp, "relay", "final", 1, planted).verdict == verdict


@pytest.mark.parametrize("by", [1e-14, 1e-9])
def test_a_planted_transfer(by, monkeypatch):
    """Bounds lowered by a little, at a policy that reaches them: T3.ood."""
    true = t3_ood._all_bounds

    def lowered(*args):
        risk, bounds = true(*args)
        return risk, bounds - by

    problem = t3_ood._one_policy()
    before = t3_ood._expectations("one policy", {}, problem, None)
    monkeypatch.setattr(t3_ood, "_all_bounds", lowered)
    after = t3_ood._expectations("one policy", {}, problem, None)
    reached = [sober(r).note == EQUAL or label(r) == "identity" for r in before]
    assert sum(reached) > 10
    verdicts = {b.verdict for b, equal in zip(after, reached, strict=True) if equal}
    assert verdicts == {"refuted"}
    assert {r.parameters["shift"] for r in before if label(r) == "identity"} == {"0"}
    assert max(row.rounding for row in before) < 1e-13


def test_worst_posteriors_state_what_rounding_leaves_open():
    """A price at which one sample's nats lie exactly: its weight is what is not known."""
    n, delta = 5, 0.05
    assert worst_posterior(TWO_KINDS, n, delta).rounding < 1e-12
    # One policy: nats of a sample without errors are n kl(0 || .2) = -n ln .8.
    at = worst_posterior(TWO_KINDS, n, delta, price=delta * 0.8**-n)
    assert at.rounding == pytest.approx(0.8**n, rel=1e-9)


def test_a_step_above_the_hardest_law_is_no_rounding():
    """The cells at the law where a bound is used up are 1e-9 beside it, far more than errors."""
    assert covering.bound_rounding(TWO_KINDS, 100, 1.0, [0.05]) < 1e-11


def _verdicts(spec):
    scope, observed = Scope("quick", spec), {}
    for module in CLAIMS:
        rows = rows_of(module.CLAIM, scope, {})
        assert {row.instance for row in rows} == {spec.name}
        observed[module.NAME] = overall([row.verdict for row in rows])
    return observed


RIGHT_OR_WRONG = [[1], [0]]
UNMET = dict.fromkeys(("T3.coverage", "T3.tightness", "T3.ood"), "assumption unmet")
HELD = dict.fromkeys((*UNMET, "T3.depth"), "holds")


@pytest.mark.parametrize(
    ("content", "verdicts"),
    [
        # One task: any sample shows its risk, and a target has no other.
        (one_decision(RIGHT_OR_WRONG), UNMET | {"T3.depth": "vacuous"}),
        # Two that are one.
        (
            one_decision(
                RIGHT_OR_WRONG, RIGHT_OR_WRONG, initial_distribution=[[1], [1]], depth=[0],
                legal=[[True, True]], reward=[[RIGHT_OR_WRONG]] * 2,
            ),
            UNMET | {"T3.depth": "vacuous"},
        ),
        # Composites equal: every policy has the same loss.
        (one_decision([[1, 0], [0, 1]], [[1, 0], [0, 1]]), UNMET | {"T3.depth": "vacuous"}),
        # Uniform prompts and no tools: the target of T3.depth is the source.
        (one_decision(RIGHT_OR_WRONG, [[0], [1]]), HELD | {"T3.depth": "vacuous"}),
        (one_decision(RIGHT_OR_WRONG, [[0], [1]], prompt_distribution=[0.2, 0.8]), HELD),
        (one_decision([[1], [1]], RIGHT_OR_WRONG, prompt_distribution=[0.2, 0.8]), HELD),
        (
            one_decision(RIGHT_OR_WRONG, [[0], [1]], prompt_distribution=[1, 0]),
            UNMET | {"T3.depth": "holds"},
        ),
    ],
)  # fmt: skip
def test_verdicts_on_models_of_ones_own(content, verdicts, tmp_path):
    """A sample must be able to mislead, a target to differ."""
    assert _verdicts(spec_of(content, tmp_path)) == verdicts


def test_named_models_hold():
    """The example that most of Theorem 3 is shown on, asked for by name."""
    assert _verdicts(named("specialists", components=1)) == HELD
