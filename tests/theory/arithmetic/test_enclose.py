"""``enclose`` as a whole: sound on random programs, and silent where it cannot know."""

from fractions import Fraction

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flint import arb, fmpq
from jax import lax

from grpo_checks.theory.arithmetic import registry
from grpo_checks.theory.arithmetic.control import enclosed_by
from grpo_checks.theory.arithmetic.enclose import Refused, decide, enclose, exact, supported
from grpo_checks.theory.numbers.centred import share


def test_rational_while_it_can_be():
    """Softmax of equal logits has logarithms in it; a sum of fractions has none."""
    total = enclose(lambda x: (x * x).sum() / x.shape[0])(exact(["1/3", "2/7"]))
    assert isinstance(total, fmpq)
    assert total == fmpq(85, 882)
    assert enclose(jnp.sqrt)(fmpq(4, 9)) == fmpq(2, 3)
    assert enclose(lambda x: jnp.linalg.norm(x))(exact([3, 4])) == 5


def test_rounded_constants_are_refused():
    """NumPy rounded them before tracing; the line is named. Given their meaning they are exact."""
    with pytest.raises(Refused, match=r"test_enclose\.py:\d+.*0\.1"):
        enclose(lambda x: x * 0.1)(fmpq(1))
    tenth = enclose(lambda x: x * 0.1, constants={0.1: Fraction(1, 10)})(fmpq(1))
    assert tenth == fmpq(1, 10)
    table = np.array([0.5, 1 / 3])
    with pytest.raises(Refused, match=r"0\.333"):
        enclose(lambda x: x * table)(exact([1, 1]))
    with pytest.raises(ValueError, match=r"number = 0\.1"):
        exact([0.1])


def test_guard_against_underflow_stands_for_itself():
    """The least normal float64 asks whether a chance is 0; any other such float was rounded."""
    part = enclose(share)
    assert list(part(exact(["1/3", 0]), exact(["1/2", 0]))) == [fmpq(2, 3), 0]
    assert part(fmpq(1), fmpq(1, 2**1023)) == 0
    with pytest.raises(Refused, match=r"number = 4\.45"):
        enclose(lambda x: x + 2.0**-1021)(fmpq(1))


def test_undecided_comparisons():
    """sqrt(2)^2 and 2 overlap at every precision: a hull, or a refusal, never a guess."""
    two = lambda x: jnp.sqrt(x) * jnp.sqrt(x)  # noqa: E731
    hull = enclose(lambda x: jnp.where(two(x) > 2, 5.0, 7.0))(fmpq(2))
    assert hull.contains(5)
    assert hull.contains(7)
    branch = enclose(lambda x: lax.cond(two(x) > 2, lambda: 5.0, lambda: 7.0))(fmpq(2))
    assert branch.contains(5)
    assert branch.contains(7)
    with pytest.raises(Refused, match="while"):
        enclose(lambda x: lax.while_loop(lambda y: y > 2, lambda y: y - 1, two(x)))(fmpq(2))
    with pytest.raises(Refused, match="undecided"):
        enclose(lambda x: jnp.argmax(jnp.stack([two(x), 2 + 0 * x])))(fmpq(2))
    with pytest.raises(Refused, match="undecided"):
        enclose(lambda x: jnp.sort(jnp.stack([two(x), 2 + 0 * x])))(fmpq(2))
    with pytest.raises(Refused, match="undecided"):
        enclose(lambda x: jnp.where(two(x) > 2, 1, 2))(fmpq(2))


def test_three_valued_logic():
    """What is not decided stays so unless the other side settles it."""
    unsure = lambda x: jnp.sqrt(x) * jnp.sqrt(x) > 2  # noqa: E731
    settled = enclose(lambda x: jnp.where(unsure(x) | (x > 1), 1.0, 0.0))(fmpq(2))
    assert settled == 1
    open_ = enclose(lambda x: jnp.where(unsure(x) & (x > 1), 1.0, 0.0))(fmpq(2))
    assert open_.contains(0)
    assert open_.contains(1)


def test_outside_its_domain_nothing_is_known():
    """No exception where the value is not used, and no decision where it is."""
    safe = enclose(lambda x: jnp.where(x > 0, jnp.log(x), 1 / x))(exact([1, -2]))
    assert list(safe) == [0, fmpq(-1, 2)]
    assert enclose(lambda x: jnp.where(x == 0, 3.0, 1 / x))(fmpq(0)) == 3
    assert decide(lambda x: (1 / x, x), fmpq(0))[0] is None


def test_infinities():
    """Illegal actions have a logit of minus infinity; the least of nothing is infinity."""
    masked = lambda x: jax.nn.softmax(jnp.where(jnp.array([True, True, False]), x, -jnp.inf))  # noqa: E731
    probs = enclose(masked)(exact([0, 0, 9]))
    assert list(probs) == [fmpq(1, 2), fmpq(1, 2), 0]
    assert enclose(lambda x: jnp.minimum(x, jnp.inf))(fmpq(3)) == 3


def test_decide_raises_its_precision():
    """Two numbers that agree to 100 digits are told apart; equal roots never are."""
    near = fmpq(2) + fmpq(1, 10**100)
    assert decide(lambda x, y: (jnp.sqrt(x), jnp.sqrt(y)), fmpq(2), near)[0] is True
    assert decide(lambda x, y: (jnp.sqrt(y), jnp.sqrt(x)), fmpq(2), near)[0] is False
    assert decide(lambda x: (jnp.sqrt(x) * jnp.sqrt(x), x), fmpq(2), most=256)[0] is None
    assert decide(lambda x: (x * x, x + 2), fmpq(2))[0] is True


def test_rule_of_its_own():
    """A series that only floats can truncate is replaced, by name, under jit too."""
    import flint

    def evaluate(x):
        return registry.objects([arb(v).exp() for v in x.flat], x.shape)

    @enclosed_by("test: exp", evaluate)
    def series(x):
        return 1 + x + 0.1666 * x**3

    enclosure = enclose(lambda x: jax.jit(series)(x) - 1)(exact([1, "1/2"]))
    assert enclosure[0].contains(flint.arb(1).exp() - 1)
    assert np.allclose(series(jnp.array([0.1])), 1 + 0.1 + 0.1666e-3)
    with pytest.raises(ValueError, match="test: exp"):
        enclosed_by("test: exp", evaluate)(lambda x: x)


def test_unknown_primitive_is_named():
    """With its place."""
    with pytest.raises(Refused, match=r"test_enclose\.py.*cholesky"):
        enclose(lambda x: jnp.linalg.cholesky(x))(exact([[2, 1], [1, 2]]))


def test_pytrees_and_fixed_leaves():
    """Integers and booleans are fixed: they may index, and Python may look at them."""

    def total(tree, picked):
        return {"sum": tree["a"][picked].sum() * int(picked[0]), "b": tree["b"]}

    result = enclose(total)({"a": exact([1, "1/2", 3]), "b": fmpq(1, 7)}, np.array([2, 1]))
    assert result["sum"] == 7
    assert result["b"] == fmpq(1, 7)
    again = enclose(total)({"a": exact([1, "1/2", 3]), "b": fmpq(1, 7)}, np.array([1, 0]))
    assert again["sum"] == fmpq(3, 2)


def test_table_of_the_documentation():
    """docs/enclose.md lists the registry as it is."""
    from pathlib import Path

    text = (Path(__file__).parents[3] / "docs" / "enclose.md").read_text(encoding="utf-8")
    rows = [f"| `{name}` | {kind} |" for name, kind in supported().items()]
    assert "\n".join(rows) in text


@pytest.mark.parametrize("cumulative", [jnp.cumsum, jnp.cumprod])
def test_running_totals_are_numbers(cumulative):
    """Entries of an array of one axis stay numbers, for the rules that look at their kind."""
    totals = enclose(cumulative)(exact([2, "1/2", 3]))
    assert all(isinstance(x, fmpq) for x in totals)
