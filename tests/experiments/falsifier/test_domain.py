"""Domains: documents to exact numbers, reals to documents, and documents with a part less."""

from dataclasses import replace
from fractions import Fraction

import jax.numpy as jnp
import numpy as np
import pytest

from grpo_checks.experiments.claims.cycles.ring_bound import STATEMENT as RING
from grpo_checks.experiments.claims.surrogates.groups import GROUP
from grpo_checks.experiments.falsifier.constraints import (
    above_zero,
    boolean,
    fraction,
    integer,
    interval,
    one_of,
    simplex,
)
from grpo_checks.experiments.falsifier.deep.domain import SIZES, DeepDomain
from grpo_checks.experiments.falsifier.domain import Domain
from grpo_checks.theory.numbers.fields import NOT_NEGATIVE

LAWS = Domain(
    {"law": simplex("types"), "losses": interval("policies", "types"), "size": above_zero()},
    {
        "n": integer(1, 9),
        "kind": one_of("value", "risk", default="risk"),
        "eps": fraction(NOT_NEGATIVE, default=0),
    },
    [{"types": z, "policies": 2, "n": 3} for z in (2, 3)],
)
WRITTEN = {"n": 4, "law": [1, 3], "losses": [[0, "1/3"]], "size": 2}


def test_a_document_is_read_exactly():
    """Chances by proportion, options by default."""
    point = LAWS.read(WRITTEN)
    assert list(map(str, point["law"])) == ["1/4", "3/4"]
    assert point["losses"].shape == (1, 2)
    assert str(point["losses"][0, 1]) == "1/3"
    assert (point["n"], point["kind"], point["eps"], str(point["size"][()])) == (4, "risk", 0, "2")


@pytest.mark.parametrize("largest", [1, 6, 100_000])
@pytest.mark.parametrize("scale", [1.0, 900.0])
def test_rounded_points_are_points(largest, scale):
    """However extreme the reals; finely rounded, they are the numbers that were climbed."""
    rng = np.random.default_rng(0)
    for place in LAWS.choices():
        x = scale * rng.normal(size=LAWS.dimension(place))
        exact, real = LAWS.read(LAWS.document(x, place, largest)), LAWS.point(jnp.asarray(x), place)
        assert exact.keys() == real.keys()
        for name in ("law", "losses"):
            assert exact[name].shape == real[name].shape
            if largest > 6:
                assert np.allclose(exact[name].astype(float), real[name], atol=1e-4)


def test_a_part_less():
    """Every document with an entry less on one axis, in all fields that have it; whole numbers."""
    group = {"rewards": [[0, 1], [1, 0], [1, 1]], "weights": [1, 2], "ratios": [1, 2, 3]}
    smaller = list(GROUP.simpler(group))
    assert [(len(d["rewards"]), len(d["weights"])) for d in smaller] == [(2, 2)] * 3 + [(3, 1)] * 2
    assert [d["ratios"] for d in smaller[:3]] == [[2, 3], [1, 3], [1, 2]]
    for document in smaller:
        GROUP.read(document)
    assert not list(GROUP.simpler({"rewards": [[1], [0]], "weights": [1], "ratios": [1, 1]}))
    assert {**WRITTEN, "n": 3} in list(LAWS.simpler(WRITTEN))


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("law", [1, 0], "law = .*: expected numbers > 0"),
        ("law", None, "law = None: expected a list"),
        ("losses", [[0, 2]], r"losses\[0\]\[1\] = 2: expected a number in \[0, 1\]"),
        ("losses", [[0], [0, 1]], "losses = .*: expected rows of one length"),
        ("losses", [[0, 1, 1]], "losses: 3 of types, expected 2 as in law"),
        ("n", 10, r"n = 10: expected a whole number in 1\.\.9"),
        ("kind", "none", "kind = 'none': expected one of"),
        ("eps", "-1/2", "eps = '-1/2': expected a number >= 0"),
        ("size", 0, "size = 0: expected a number > 0"),
    ],
)
def test_what_is_no_point_is_named(field, value, message):
    """The field, and where in it."""
    with pytest.raises(ValueError, match=message):
        LAWS.read({**WRITTEN, field: value})


@pytest.mark.parametrize("field", ["law", "n", "size"])
def test_what_is_missing_is_named(field):
    """Unless it has a default."""
    rest = {name: value for name, value in WRITTEN.items() if name != field}
    with pytest.raises(ValueError, match=f"{field}: missing"):
        LAWS.read(rest)


def test_true_is_no_number():
    """A flag is false where it is left out, is written where it is true, and is not made less."""
    domain = Domain({"x": above_zero()}, {"drawn": boolean()}, [{"drawn": True}, {"drawn": False}])
    written = [domain.document(np.zeros(1), place, 4) for place in domain.choices()]
    assert written == [{"drawn": True, "x": 1}, {"x": 1}]
    assert [domain.read(document)["drawn"] for document in written] == [True, False]
    assert list(domain.simpler(written[0])) == []
    with pytest.raises(ValueError, match="drawn = 1: expected true or false"):
        domain.read({"x": 1, "drawn": 1})


def test_lengths_of_axes_have_a_least():
    """A group of one is none."""
    with pytest.raises(ValueError, match="rewards: 1 of them, expected 2 or more"):
        GROUP.read({"rewards": [[1]], "weights": [1]})
    assert Fraction(str(GROUP.read({"rewards": [[1], [0]], "weights": [1]})["ratios"][1])) == 1


def test_lengths_of_axes_have_a_most():
    """Three actions make a circle; of four, or of two, the claim does not speak."""
    circle = {"wins": ["1/2"] * 3, "steps": 1, "reach": 1}
    assert list(RING.domain.read({**circle, "logits": [0, 1, 2]})["logits"]) == [0, 1, 2]
    with pytest.raises(ValueError, match="logits: 4 of them, expected 3 at most"):
        RING.domain.read({**circle, "logits": [0, 1, 2, 3]})
    with pytest.raises(ValueError, match="logits: 2 of them, expected 3 or more"):
        RING.domain.read({**circle, "logits": [0, 1]})


def test_an_axis_may_be_called_as_an_array():
    """A length is no sign that the array is left at its default."""
    domain = Domain({"calls": interval("calls")}, places=[{"calls": 2}, {"calls": 0}])
    for place in domain.choices():
        (length,) = dict(place).values()
        assert domain.dimension(place) == length
        assert domain.document(np.zeros(length), place, 4) == {"calls": ["1/2"] * length}


@pytest.mark.parametrize(
    ("place", "told"),
    [
        ({"types": 2, "policies": 2, "n": 3, "tpyes": 2}, "key 'tpyes': expected one of"),
        ({"types": 2, "n": 3}, "no key 'policies': expected all of"),
        ({"types": 2, "policies": 2}, "no key 'n'"),
        ({"types": 2.5, "policies": 2, "n": 3}, "types = 2.5: expected a whole number"),
        ({"types": 2, "policies": 2, "n": 99}, "n = 99: expected a whole number in 1..9"),
        ({"types": 2, "policies": 2, "n": 3, "kind": "gain"}, "kind = 'gain': expected one of"),
    ],
)
def test_a_place_that_is_none(place, told):
    """One line, with the place, the key and what was expected."""
    with pytest.raises(ValueError, match=rf"^places\[1\]: {told}"):
        replace(LAWS, places=[LAWS.places[0], place])


@pytest.mark.parametrize("wrong", ["observation", "parameter"])
def test_a_place_of_deep_models_that_is_none(wrong):
    """A table has rows, a log-linear policy parameters; no other key."""
    right = f"{wrong}s"
    (sizes,) = [s for s in SIZES[-2:] if right in s]
    DeepDomain(places=[sizes])
    with pytest.raises(ValueError, match=r"^places\[0\]: "):
        DeepDomain(places=[{wrong if n == right else n: v for n, v in sizes.items()}])
