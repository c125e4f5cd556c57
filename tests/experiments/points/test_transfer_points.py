"""T3.ood at rational points: against its definitions in fractions, and the float code."""

from fractions import Fraction

import jax
import jax.numpy as jnp
import mpmath
import numpy as np
import pytest
from flint import fmpq
from helpers.learning_problems import failing, kl_upper, law, real, xi

from grpo_checks.experiments.claims.generalization import ood, ood_sampled
from grpo_checks.experiments.falsifier.search import falsify
from grpo_checks.theory.generalization.transfer import Limits, shifted
from grpo_checks.theory.numbers.balls import ends

assert ood.CLAIM.exact is not None
OOD = ood.CLAIM.exact.decide


def limits_by_hand(p, q, loss):
    """Bounds on L_T - L_S of laws without zeros, in fractions, squared where they are roots; of KL
    at 50 digits."""
    mean = sum(x * a for x, a in zip(loss, p, strict=True))
    spread = sum((x - mean) ** 2 * a for x, a in zip(loss, p, strict=True))
    distance = sum(abs(a - b) for a, b in zip(p, q, strict=True)) / 2
    with mpmath.workdps(50):
        kl, reverse = (
            mpmath.fsum(to_mp(a) * mpmath.log(to_mp(a / b)) for a, b in zip(*laws, strict=True))
            for laws in ((q, p), (p, q))
        )
        return {
            "oscillation": to_mp((max(loss) - min(loss)) * distance),
            "variation": to_mp(distance),
            "pinsker": mpmath.sqrt(kl / 2),
            "pinsker_reversed": mpmath.sqrt(reverse / 2),
            "chi_square": mpmath.sqrt(
                to_mp(spread * sum((a - b) ** 2 / a for a, b in zip(p, q, strict=True)))
            ),
        }


def to_mp(x):
    """At the digits in use."""
    return mpmath.mpf(x.numerator) / x.denominator


@pytest.mark.parametrize("seed", range(4))
def test_transfer_by_hand(seed):
    """What each bound adds to L_S contains its definition; vacuous from 1 on."""
    rng = np.random.default_rng(seed)
    odds, loss = rng.integers(1, 9, (2, 3)).tolist(), rng.integers(0, 7, 3).tolist()
    loss = [Fraction(x, 6) for x in loss]
    p, q = ([Fraction(x, sum(row)) for x in row] for row in odds)
    before, after = (sum(x * a for x, a in zip(loss, law, strict=True)) for law in (p, q))
    expected = limits_by_hand(p, q, loss)
    assert set(expected) == set(Limits._fields)
    for name, limit in expected.items():
        document = {"source": odds[0], "target": odds[1], "loss": [str(x) for x in loss]}
        decision = OOD({"bound": name, **document}, None)
        assert decision.observed == fmpq(after.numerator, after.denominator) - fmpq(
            before.numerator, before.denominator
        )
        assert decision.verdict == ("vacuous" if before + limit >= 1 else "holds")
        if decision.verdict == "holds":
            with mpmath.workdps(50):
                # The oracle's own rounding: fifty digits less what a few terms lose.
                low, high = (to_mp(x) for x in ends(decision.bound))
                assert low - mpmath.mpf(10) ** -45 <= limit <= high + mpmath.mpf(10) ** -45


def test_transfer_against_the_float_code():
    """L_S plus what a bound adds, where that is below 1."""
    source, target, loss = [5, 3, 2], [3, 3, 4], ["1/4", 0, "3/4"]
    laws = [jnp.array(x) / 10 for x in (source, target)]
    expected = jax.jit(shifted)(jnp.array([0.25, 0, 0.75]), *laws)
    for name in Limits._fields:
        document = {"bound": name, "source": source, "target": target, "loss": loss}
        decision = OOD(document, None)
        assert float(decision.bound) + 0.275 == pytest.approx(float(getattr(expected, name)))
        assert float(decision.observed) == pytest.approx(0.1)


def test_where_a_transfer_bound_says_nothing():
    """A new type: KL and chi-square are infinite, TV adds up to 1; half of TV is wrong."""
    document = {"source": [1, 0], "target": [0, 1], "loss": [0, 1]}
    for name in (*Limits._fields, ood.PROCESSED):
        assert OOD({"bound": name, **document}, None).verdict == "vacuous", name
    assert OOD({"bound": "variation", **document}, "half of TV").verdict == "refuted"
    with pytest.raises(ValueError, match="without a sample"):
        OOD({"bound": ood_sampled.MOVED, **document}, "half of TV")


def test_equality_of_divergences_is_decided():
    """Two types: data processing loses nothing, whatever the losses 0 and 1."""
    for target in ([1, 1], [2, 7]):
        document = {"source": [9, 1], "target": target, "loss": [0, 1], "bound": ood.PROCESSED}
        assert OOD(document, None).note == "equal"


@pytest.mark.parametrize("mutant", ood.STATEMENT.mutants)
def test_the_falsifier_finds_the_mutants(mutant):
    """A certified violation, with short numbers."""
    best = falsify(ood.CLAIM, minutes=30, seed=3, mutant=mutant)
    assert best.refuted
    assert len(best.document["source"]) == 2


TWO = {
    "n": 6,
    "delta": "9/10",
    "source": [5, 4, 1],
    "target": [3, 5, 2],
    "losses": [[0, 1, 1], [0, "1/2", 1]],
    "prior": [2, 1],
    "temperature": "1/3",
}


def _maurer(sample, n, delta):
    return kl_upper(sample.empirical, (sample.divergence + mpmath.log(xi(n) / delta)) / n)


def _moved(sample, n, delta):
    """Plus the distance of the laws."""
    laws = zip(law(TWO["source"]), law(TWO["target"]), strict=True)
    return _maurer(sample, n, delta) + real(sum(abs(p - q) for p, q in laws) / 2)


def test_sampled_bounds_by_listing():
    """All 729 ordered samples of six tasks; weighted: those of w l/w_max on the source."""
    decision = OOD({**TWO, "bound": ood_sampled.MOVED}, None)
    assert decision.observed == failing(TWO, _moved) > 0
    weights = [q / p for p, q in zip(law(TWO["source"]), law(TWO["target"]), strict=True)]
    losses = [
        [str(Fraction(x) * w / max(weights)) for x, w in zip(row, weights, strict=True)]
        for row in TWO["losses"]
    ]
    scaled = {**TWO, "losses": losses, "target": TWO["source"]}
    decision = OOD({**TWO, "bound": ood_sampled.WEIGHTED}, None)
    assert decision.observed == failing(scaled, _maurer) > 0


def test_what_is_no_point():
    """The field and the value are named; weights need a source that covers the target."""
    with pytest.raises(ValueError, match="bound = 'none'"):
        OOD({"bound": "none"}, None)
    target = {"n": 4, "delta": "1/20", "source": [1, 0], "target": [0, 1], "losses": [[0, 1]]}
    assert OOD({**target, "bound": ood_sampled.WEIGHTED}, None).verdict == "assumption unmet"
