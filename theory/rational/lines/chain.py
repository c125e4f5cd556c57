"""Training runs on a log-odds line, without sampling: the law of theta_t as a finite Markov chain.

An update g = sum_q rho_q f_q/G sum_i A_i 1{first action} has finitely many values, which do not
depend on theta (advantages sum to 0), so x_t = x_0 + eta * (a sum of them). Equal states are merged
by exact coordinates (``theory.numbers.surds``); only their probabilities, at rational odds times
powers of exp(eta), are balls. Where all values are rational, as for `leave_one_out`, the states lie
on a lattice and runs of hundreds of steps have few of them.
"""

from collections import defaultdict
from functools import cached_property
from typing import NamedTuple

from flint import arb, fmpq

from grpo_checks.theory.numbers.balls import Number, largest, powers, root, square, total
from grpo_checks.theory.numbers.surds import MAX_SUMMANDS, Packing
from grpo_checks.theory.rational.lines.line import J, Line, Objective, slope, value
from grpo_checks.theory.rational.lines.update import Move

FORGOTTEN = fmpq(1, 2**64)
"""States less likely than this are dropped; what they could add widens the enclosures."""
MAX_VISITS = 200_000


class Averages(NamedTuple):
    """Of a run of T steps: averages over t < T of expectations, as in T1.path, and the gain."""

    squared_gradient: Number
    squared_bias: Number
    variance: Number
    gain: Number
    """E J(theta_T) - J(theta_0)."""


class Site:
    """A policy on the way: what T1.path sums, and the law of the next update."""

    def __init__(self, chain: "Chain", state: int) -> None:
        moved = chain.packing.unpacked(state)
        self.odds = chain.odds * arb(chain.step * moved).exp() if state else chain.odds
        self.chain = chain
        self.value = value(chain.line, self.odds, chain.objective)
        self.gradient = slope(chain.line, self.odds, chain.objective)

    @cached_property
    def _laws(self) -> list[dict[int, Number]]:
        """For each prompt, probability by jump."""
        laws, size = [], self.chain.group_size
        for prompt, moves in zip(self.chain.line.prompts, self.chain.moves, strict=True):
            p = prompt.odds_to_chance(self.odds)
            law: dict[int, Number] = defaultdict(lambda: fmpq(0))
            ups, downs = powers(p, size), powers(1 - p, size)
            for jump, move in moves:
                law[jump] += move.weight * ups[move.taken] * downs[size - move.taken]
            laws.append(law)
        return laws

    @cached_property
    def jumps(self) -> list[tuple[int, Number]]:
        """Of the whole update, with their chances: prompts are independent."""
        sums: dict[int, Number] = {0: fmpq(1)}
        for law in self._laws:
            after: dict[int, Number] = defaultdict(lambda: fmpq(0))
            for a, x in sums.items():
                for b, y in law.items():
                    after[a + b] += x * y
            sums = after
        return list(sums.items())

    @cached_property
    def _moments(self) -> tuple[Number, Number]:
        """m and V."""
        mean: Number = fmpq(0)
        variance: Number = fmpq(0)
        for law in self._laws:
            first = total(chance * self.chain.pulls[j] for j, chance in law.items())
            second = total(chance * square(self.chain.pulls[j]) for j, chance in law.items())
            mean, variance = mean + first, variance + second - square(first)
        return mean, variance

    @property
    def measured(self) -> tuple[Number, Number, Number]:
        """|grad|^2, |m - grad|^2 and V."""
        mean, variance = self._moments
        return square(self.gradient), square(mean - self.gradient), variance


class Chain:
    """A run from x = ln ``odds`` with a constant step; policies on the way are kept."""

    def __init__(
        self,
        line: Line,
        odds: fmpq,
        step: Number,
        group_size: int,
        moves: list[list[Move]],
        objective: Objective = J,
    ) -> None:
        """``moves``: those of each prompt, see ``theory.rational.lines.update``."""
        self.line, self.odds, self.step, self.group_size = line, odds, step, group_size
        self.packing = Packing({move.pull for moves_of_prompt in moves for move in moves_of_prompt})
        self.moves = [
            [(self.packing.packed(move.pull), move) for move in moves_of_prompt]
            for moves_of_prompt in moves
        ]
        self.pulls: dict[int, Number] = {
            jump: move.pull.number()
            for moves_of_prompt in self.moves
            for jump, move in moves_of_prompt
        }
        self.objective = objective
        self._sites: dict[int, Site] = {}

    def site(self, state: int) -> Site:
        """The policy there."""
        if state not in self._sites:
            self._sites[state] = Site(self, state)
        return self._sites[state]

    @property
    def farthest(self) -> Number:
        """At least the largest |g|."""
        both = [[y for jump, _ in ends for y in self._either(jump)] for ends in self.moves]
        return total(largest(ends) for ends in both)

    def _either(self, jump: int) -> tuple[Number, Number]:
        return self.pulls[jump], -self.pulls[jump]

    def run(self, n_steps: int) -> Averages:
        """Expectations over all runs of ``n_steps``, enclosed. Raises ValueError if too many."""
        if n_steps * len(self.moves) > MAX_SUMMANDS:
            raise ValueError(f"n_steps = {n_steps}: expected at most {MAX_SUMMANDS} updates")
        law: dict[int, Number] = {0: fmpq(1)}
        visits: dict[int, Number] = defaultdict(lambda: fmpq(0))
        gone, missed, work = fmpq(0), fmpq(0), 0
        for _ in range(n_steps):
            after: dict[int, Number] = defaultdict(lambda: fmpq(0))
            for state, mass in law.items():
                if mass < FORGOTTEN:
                    gone += FORGOTTEN
                    continue
                visits[state] += mass
                for jump, chance in self.site(state).jumps:
                    after[state + jump] += mass * chance
            missed += gone
            work += len(law)
            if work > MAX_VISITS:
                raise ValueError(f"n_steps = {n_steps}: more than {MAX_VISITS} visits to states")
            law = after
        return self._averages(visits, law, missed / n_steps, gone, n_steps)

    def _averages(
        self,
        visits: dict[int, Number],
        law: dict[int, Number],
        missed: fmpq,
        gone: fmpq,
        n_steps: int,
    ) -> Averages:
        """``missed``: the average chance of having been dropped; ``gone``: that at the end."""
        steepest, top = steepest_of(self.line, self.objective), top_of(self.line, self.objective)
        most = [square(x) for x in (steepest, steepest + self.farthest, self.farthest)]
        measured = zip(*(self.site(s).measured for s in visits), strict=True)
        sums = [total(m * x for m, x in zip(visits.values(), e, strict=True)) for e in measured]
        pairs = zip(sums, most, strict=True)
        steep, bias, variance = (_widened(x / n_steps, limit * missed) for x, limit in pairs)
        final = total(m * self.site(s).value for s, m in law.items())
        gain = _widened(final, top * gone) - self.site(0).value
        return Averages(steep, bias, variance, gain)


def steepest_of(line: Line, objective: Objective = J) -> Number:
    """|grad| <= F'(0) sqrt(R_max L)/2, F' largest at 0 (``theory.convergence.smoothness``)."""
    return objective.slope(fmpq(0)) * root(line.max_reward * line.smoothness) / 2


def top_of(line: Line, objective: Objective = J) -> Number:
    """R_max F(1)."""
    return line.max_reward * objective.value(fmpq(1))


def _widened(number: Number, by: Number) -> Number:
    """A sum of non-negative parts of which some were left out, ``by`` at most."""
    return number if by == 0 else number + arb(0).union(arb(by))
