"""The exact law of group-relative advantages: two engines behind one function.

Members are exchangeable, and an advantage depends on its group only through the multiset of reward
vectors, so E[A_1 | r_1 = v], E[A_1^2 | v] and E[A_1 A_2 | v, u] are finite sums (derived): over
count vectors of rewards (``theory.estimators.group_counts``), or over a lattice of sums by repeated
convolution (``theory.estimators.group_sums`` for the joint estimators,
``theory.estimators.group_pairs`` for `componentwise_normalized`). What does not depend on the
policy is tabulated once, outside any jit, as a ``GroupLaw``.
"""

from collections.abc import Callable
from typing import Literal, NamedTuple

import equinox as eqx
import jax
import numpy as np
from jaxtyping import Array, Float
from numpy.typing import NDArray

from grpo_checks.theory.estimators import group_counts as counts
from grpo_checks.theory.estimators import group_pairs as pairs
from grpo_checks.theory.estimators import group_sums as sums
from grpo_checks.theory.estimators.advantages import Estimator, GroupSize, check_group_size
from grpo_checks.theory.estimators.group_table import AdvantageMoments, Table
from grpo_checks.theory.mdp.mdp import TAMDP

Engine = Literal["auto", "counts", "lattice"]
MAX_ENTRIES = 30_000_000
"""Of the largest array: 240 MB in float64, with a few copies in flight."""
MAX_OPERATIONS, PER_DRAW = 10**10, 10_000
"""Of a table, about ten seconds; what each further member costs whatever the number of rewards."""
LISTED = 10_000  # Operations of a listing so cheap that its digits decide.
SAMPLING = (
    "theory.training.sampling.sampled_moments estimates both with standard errors that it states "
    "and that fall as 1/sqrt(batches)"
)


class GroupLaw(eqx.Module):
    """An estimator at one group size on one model's rewards, ready to be applied to any policy."""

    estimator: Estimator = eqx.field(static=True)
    group_size: GroupSize
    """May be an array where there is no table: one compilation then serves all group sizes."""
    member: Float[Array, "C V"] | None = None
    """1 where a reward class counts as value v: V distinct composites, or reward vectors."""
    table: Table | None = None
    """None for the plain estimators, whose moments need no sum over groups."""

    def merged(self, by_class: Float[Array, "... C"]) -> Float[Array, "... V"]:
        """A quantity of each reward class, added up over those that the estimator merges.

        Raises ValueError for a law made without the model's rewards.
        """
        if self.member is None:
            raise ValueError("group.member = None: expected a law made by ``group_law``")
        return by_class @ self.member

    @property
    def engine(self) -> Table:  # Raises ValueError where there is none.
        if self.table is None:
            raise ValueError(f"group.table = None: expected an engine for {self.estimator.name}")
        return self.table

    def moments(self, law: Float[Array, " C"]) -> AdvantageMoments:
        """Over the V values, for reward classes with probabilities ``law`` (sum 1)."""
        return self.engine.moments(self.merged(law))

    @property
    def shrinkage(self) -> Float[Array, ""] | float:
        """What a plain estimator's mean is as a multiple of grad J."""
        return 1.0 if self.estimator.name == "leave_one_out" else 1 - 1 / self.group_size


class _Rewards(NamedTuple):
    """What an estimator tells apart."""

    columns: NDArray[np.float64]
    """(V, K): the composite alone, or all components."""
    weights: NDArray[np.float64]
    numerators: NDArray[np.int64]
    denominator: int
    member: NDArray[np.float64]

    @property
    def size(self) -> int:
        return len(self.columns)


def _rewards(mdp: TAMDP, estimator: Estimator) -> _Rewards:
    numerators = np.asarray(mdp.class_numerator)
    if estimator.name == "componentwise_normalized":
        columns, inverse = np.unique(np.asarray(mdp.class_vector), axis=0, return_inverse=True)
        weights = np.asarray(mdp.weights)
    else:
        numerators, first, inverse = np.unique(numerators, return_index=True, return_inverse=True)
        columns, weights = np.asarray(mdp.class_composite)[first, None], np.ones(1)
    member = np.eye(len(columns))[inverse.reshape(-1)]
    return _Rewards(columns, weights, numerators, mdp.composite_denominator, member)


class _Offer(NamedTuple):
    """One engine's answer to a request: why it cannot serve, or at what cost it would, and how."""

    engine: Engine
    obstacle: str
    operations: int
    build: Callable[[], Table]


def _count_offer(rewards: _Rewards, group_size: int, estimator: Estimator, room: int) -> _Offer:
    table = rewards.columns, rewards.weights, group_size, estimator, room
    build = lambda: counts.count_table(*table)  # noqa: E731
    if not counts.coefficients_fit(rewards.size, room):
        return _Offer("counts", "multinomial coefficients beyond float64", 0, build)
    needed, obstacle = counts.entries(rewards.size, room), ""
    if needed > MAX_ENTRIES:
        obstacle = f"{_many(needed)} entries"
    return _Offer("counts", obstacle, counts.operations(rewards.size, room), build)


def _lattice_offer(rewards: _Rewards, group_size: int, estimator: Estimator, room: int) -> _Offer:
    obstacle = ""
    if estimator.name == "componentwise_normalized":
        n_components = rewards.columns.shape[1]
        needed = pairs.entries(rewards.size, n_components, room)
        operations = pairs.operations(n_components, room)
        if not pairs.is_two_valued(rewards.columns):
            obstacle = "a component with more than two rewards"
        build: Callable[[], Table] = lambda: pairs.pair_table(  # noqa: E731
            rewards.columns, rewards.weights, group_size, estimator, room
        )
    else:
        needed = sums.entries(rewards.numerators, room)
        operations = sums.operations(rewards.numerators, room)
        if not sums.numbers_fit(rewards.numerators, room):
            obstacle = "sums of squares beyond float64"
        build = lambda: sums.sum_table(  # noqa: E731
            rewards.numerators, rewards.denominator, group_size, estimator, room
        )
    if not obstacle and needed > MAX_ENTRIES:
        obstacle = f"{_many(needed)} entries"
    elif not obstacle and operations + PER_DRAW * room > MAX_OPERATIONS:
        obstacle = f"{_many(operations + PER_DRAW * room)} operations"
    return _Offer("lattice", obstacle, operations, build)


def _many(count: int) -> str:
    """A count of groups may have more digits than anybody reads."""
    return str(count) if count < 10**15 else "more than 10^15"


def plain_law(estimator: Estimator, group_size: GroupSize) -> GroupLaw:
    """For the plain estimators inside jit: no table, and a group size that may be traced."""
    if not estimator.is_plain:
        raise ValueError(f"estimator = {estimator.name}: expected mean_baseline or leave_one_out")
    return GroupLaw(estimator, group_size)


def group_law(
    mdp: TAMDP,
    group_size: int,
    estimator: Estimator,
    engine: Engine = "auto",
    room: int | None = None,
) -> GroupLaw:
    """The exact law of an estimator's advantages on a model; call it outside jit.

    ``engine`` "auto": closed forms for the plain estimators, a short listing, the cheaper engine.
    ``room``: tables as for groups of up to so many; laws with the same room share a compilation.
    Raises ValueError for a group size below 2, for estimators other than the four of a group's
    means and sds, and where sums would be too large: the message says how large, and what to do.
    """
    if not isinstance(group_size, int):
        raise ValueError(f"group_size = {group_size}: expected an int; see ``plain_law``")
    check_group_size(group_size)
    if not estimator.within_group:
        raise ValueError(
            f"estimator = {estimator}: expected one of a group's means and sds, not whitened; "
            f"theory.batches has sums for others, and {SAMPLING}"
        )
    with jax.ensure_compile_time_eval():
        rewards = _rewards(mdp, estimator)
        member = jax.device_put(rewards.member)
        if estimator.is_plain and engine == "auto":
            return GroupLaw(estimator, group_size, member)
        makers, most = (_count_offer, _lattice_offer), max(group_size, room or 0)
        offers = [make(rewards, group_size, estimator, most) for make in makers]
        able = [o for o in offers if engine in ("auto", o.engine) and not o.obstacle]
        if not able:
            requested = [o for o in offers if engine in ("auto", o.engine)]
            why = "; ".join(f"{o.engine}: {o.obstacle}" for o in requested)
            raise ValueError(
                f"group_size = {group_size} with {rewards.size} distinct rewards: {why}; expected "
                f"at most {MAX_ENTRIES} entries and {MAX_OPERATIONS} operations; {SAMPLING}"
            )
        short = [o for o in able if o.engine == "counts" and o.operations <= LISTED]
        best = min(short or able, key=lambda o: o.operations)
        return GroupLaw(estimator, group_size, member, best.build())
