"""An address covers what the functions of a claim carry besides their source."""

import io
import os
import subprocess
import sys
from collections import namedtuple
from contextlib import redirect_stdout
from dataclasses import dataclass, replace
from enum import Enum
from fractions import Fraction
from functools import cache, partial
from pathlib import Path

import jax
import numpy as np
import pandas as pd
import pytest
from flint import arb, fmpq

from grpo_checks.experiments.origin.code_version import version_of
from grpo_checks.experiments.protocol.claim import Claim
from grpo_checks.experiments.runs import stored_cells

ROOT = Path(__file__).parents[3]


def _rows(scope, results, bound):
    return []


def _closure(bound):
    return lambda scope, results: _rows(scope, results, bound)


def _default(bound):
    def rows(scope, results, bound=bound):
        return []

    return rows


class Judge:
    """Rows of an object."""

    def __init__(self, bound):
        self.bound = bound

    def rows(self, scope, results):
        """None."""
        return []

    __call__ = rows


class Slots:
    """Without a dictionary of its own."""

    __slots__ = ("bound",)

    def __init__(self, bound):
        self.bound = bound

    def rows(self, scope, results):
        """None."""
        return []


def _itself(bound):
    def rows(scope, results):
        return rows if scope else [bound]

    return rows


def _local(bound):
    class Local:
        def rows(self, scope, results):
            return [] if scope else [bound]

    return Local().rows


def _attribute(bound):
    def rows(scope, results):
        return [] if scope else [rows.bound]

    rows.bound = bound
    return rows


MAKERS = {
    "partial": lambda b: partial(_rows, bound=b),
    "closure": _closure,
    "default": _default,
    "nested": lambda b: partial(_rows, bound=_closure([b, {"x": b}])),
    "method": lambda b: Judge(b).rows,
    "object": Judge,
    "slots": lambda b: Slots(b).rows,
    "jit": lambda b: jax.jit(_closure(b)),
    "itself": _itself,
    "class": _local,
    "attribute": _attribute,
}
Pair = namedtuple("Pair", "a b")
Other = namedtuple("Other", "a b")


class Colour(Enum):
    """Members are told by their names."""

    RED = 1
    BLUE = 2


@dataclass(frozen=True, slots=True)
class Frozen:
    """Without a dictionary too."""

    inner: object


# Of 0 and 1: two values that differ little.
VALUES = {
    "float": lambda x: 2.0 + x * 2**-51,
    "zero": lambda x: (0.0, -0.0)[x],
    "type": lambda x: (1, 1.0)[x],
    "array": lambda x: np.arange(2000) + x * 1e-9,
    "jax array": lambda x: jax.numpy.arange(2000.0).at[1000].add(x * 1e-9),
    "masked": lambda x: np.ma.array([1, 2], mask=[x, 0]),
    "objects": lambda x: np.array([{x}, 2], object),
    "frame": lambda x: pd.DataFrame({"a": np.arange(2000) + x * 1e-9}),
    "column": lambda x: pd.DataFrame({"ab"[x]: [1.0]}),
    "series": lambda x: pd.Series([1.0], index=[x]),
    "set": lambda x: {"x", "yz"[x]},
    "sets": lambda x: {(1, "x"), frozenset([x])},
    "list or tuple": lambda x: ([1], (1,))[x],
    "named tuple": lambda x: (Pair, Other)[x](1, 2),
    "enum": lambda x: list(Colour)[x],
    "dataclass": lambda x: Frozen(Frozen(x)),
    "fraction": lambda x: Fraction(1, 3 + x),
    "rational": lambda x: fmpq(1, 3 + x),
    "ball": lambda x: arb(2).sqrt() + arb(x) / 10**15,
    "generator": np.random.default_rng,
    "key": jax.random.key,
    "range": lambda x: range(3 + x),
    "class": lambda x: [np.float64(x), object],
}


PLAIN = Claim("X", "", "derived", "holds", (), Judge(0).rows)
SOURCES = stored_cells.snapshot()


@cache
def _version(modules):
    return version_of(modules, SOURCES)


@pytest.mark.parametrize("function", MAKERS.values(), ids=MAKERS)
@pytest.mark.parametrize("value", VALUES.values(), ids=VALUES)
def test_what_functions_carry_counts(function, value, monkeypatch):
    """Of one source line, with two values: two claims; and the same for an equal value.

    Sources, as they are now, are read once for the modules that values are from.
    """
    monkeypatch.setattr(stored_cells, "snapshot", lambda: SOURCES)
    monkeypatch.setattr(stored_cells, "version_of", lambda names, _: _version(frozenset(names)))
    first, again, other = (
        stored_cells.claim_version(replace(PLAIN, rows=function(value(x)))) for x in (0, 0, 1)
    )
    assert first == again != other


STABLE = """
from functools import partial
from grpo_checks.experiments.origin.captured import Walk
class Thing:
    pass
def rows(x):
    return [x]
things = [Thing(), Thing().__init__, iter([1]), lambda: rows]
parts = {("a", b"b"), frozenset("abc"), rows, Thing}
print(Walk().encoded([partial(rows, {"a", "b", "c"}), parts, *things]))
"""


def test_the_same_in_every_process():
    """Neither the hash of a text nor where an object lies in memory counts."""
    here = io.StringIO()
    with redirect_stdout(here):
        exec(STABLE, {"__name__": "__main__"})
    command = [sys.executable, "-c", STABLE]
    # Another than that of this process, which is one of 2**32 where none was named.
    env = {**os.environ, "PYTHONHASHSEED": str(int(os.environ.get("PYTHONHASHSEED") == "0"))}
    there = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, check=True)
    assert there.stdout == here.getvalue()
