"""A search for the point at which observed/bound of a claim is largest.

Points are climbed in floating point, from many starts at once; whatever looks like a violation is
rounded to rational numbers and decided in ball arithmetic, and only that counts.
"""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
from numpy.typing import NDArray
from scipy.optimize import differential_evolution
from tqdm import tqdm

from grpo_checks.experiments.falsifier.shrink import shrunk
from grpo_checks.experiments.protocol.claim import Claim
from grpo_checks.experiments.protocol.points import Document, Exact, Search, searched
from grpo_checks.experiments.protocol.verdict import Decision
from grpo_checks.theory.numbers.balls import ends

STARTS, CLIMB, RATE, SPREAD = 64, 200, 0.05, 1.5
BOX = 4.0
LADDER = (1, 2, 3, 4, 5, 6, 8, 10, 12, 15, 20, 50, 1000)
"""Denominators that a violation is rounded to, the roundest first."""
FINEST = 100_000
Floats = NDArray[np.float64]


@dataclass
class Found:
    """The best point so far: certified, and violating or the tightest seen."""

    document: Document | None = None
    decision: Decision | None = None
    ratio: float = -np.inf
    """Certified observed over bound, or of a violation without bound infinity."""
    tried: int = 0
    """Points climbed from."""
    uncertified: list[float] = field(default_factory=list)
    """Ratios above 1 that no rational point near them confirmed."""
    silent: str = ""
    """Why the last rational point that says nothing does so."""

    @property
    def refuted(self) -> bool:
        """Whether the claim is violated here, certainly."""
        return self.decision is not None and self.decision.verdict == "refuted"


def certified_ratio(decision: Decision) -> float:
    """At least this is observed/bound; infinite for a violation of a bound of 0, and 0 where both
    are."""
    if decision.bound > 0:
        return float(ends(decision.observed / decision.bound)[0])
    return float("inf") if decision.verdict == "refuted" else 0.0


@partial(jax.jit, static_argnames=("ratio", "choice"))
def _climb(starts: jax.Array, ratio: Callable[..., jax.Array], choice: Any) -> Any:
    """Ends of gradient ascent from each start, and the ratios there."""
    optimizer = optax.adam(RATE)
    # Of all starts within a step: a loop over steps of one start is traced twice as long.
    slopes = jax.vmap(jax.grad(lambda x: -ratio(x, choice)))

    def step(carry: tuple[Any, Any], _: None) -> tuple[tuple[Any, Any], None]:
        at, state = carry
        slope = slopes(at)
        # A kink or an overflow must not carry a start away for good.
        updates, state = optimizer.update(jnp.where(jnp.isfinite(slope), slope, 0.0), state)
        return (optax.apply_updates(at, updates), state), None

    ends = jax.lax.scan(step, (starts, optimizer.init(starts)), None, length=CLIMB)[0][0]
    return ends, jax.vmap(lambda x: ratio(x, choice))(ends)


def _evolve(search: Search, choice: Any, seed: int) -> tuple[Floats, Floats]:
    """Ends of one run of differential evolution, best first."""
    box = [(-BOX, BOX)] * search.dimension(choice)
    loss = lambda x: -float(search.ratio(x, choice))  # noqa: E731
    end = differential_evolution(loss, box, popsize=8, maxiter=20, rng=seed, polish=False)
    order = np.argsort(end.population_energies)
    return end.population[order], -end.population_energies[order]


def _points(
    search: Search, rng: np.random.Generator, choice: Any, best: Floats | None
) -> tuple[Floats, Floats]:
    """Points and float ratios of one round on one choice, best first."""
    if search.dimension(choice) == 0:
        return np.zeros((1, 0)), np.array([float(search.ratio(np.zeros(0), choice))])
    if not search.by_gradient:
        return _evolve(search, choice, int(rng.integers(2**31)))
    starts = SPREAD * rng.normal(size=(STARTS, search.dimension(choice)))
    if best is not None:
        starts[: STARTS // 4] = best + 0.3 * starts[: STARTS // 4]
    ends, ratios = map(np.asarray, _climb(starts, search.ratio, choice))
    order = np.argsort(np.where(np.isfinite(ratios), -ratios, np.inf))
    return ends[order], ratios[order]


def _rounded(exact: Exact, x: Floats, choice: Any, ladder: tuple[int, ...]) -> Iterator[Document]:
    assert exact.search is not None
    for denominator in ladder:
        try:
            yield exact.search.document(x, choice, denominator)
        except ValueError:
            continue


def _consider(best: Found, exact: Exact, mutant: str | None, document: Document) -> None:
    try:
        decision = exact.decided(document, mutant)
    except ValueError as error:
        best.silent = str(error)
        return
    if decision.verdict not in ("holds", "refuted"):
        best.silent = f"{decision.verdict}: {decision.note}"
        return
    ratio = certified_ratio(decision)
    if decision.verdict == "refuted" or ratio > best.ratio:
        best.document, best.decision, best.ratio = document, decision, ratio


def _inspect(
    best: Found, exact: Exact, mutant: str | None, choice: Any, ends: Floats, ratios: Floats
) -> None:
    """Certify what the climb brought: violations on the whole ladder, else the best point."""
    for x, ratio in zip(ends[:5], ratios[:5], strict=False):
        ladder = LADDER if ratio > 1 else (20, FINEST)
        if not np.isfinite(ratio) or ratio <= min(best.ratio, 1.0):
            return
        for document in _rounded(exact, x, choice, ladder):
            _consider(best, exact, mutant, document)
            if best.refuted:
                return
        if ratio > 1 + 1e-9:
            best.uncertified.append(float(ratio))


def falsify(
    claim: Claim,
    minutes: float,
    seed: int = 0,
    mutant: str | None = None,
    quiet: bool = True,
    deep: bool = False,
) -> Found:
    """Search until a violation is certified and shrunk, or time is up; ``deep``: among models with
    layers of states and tools. Raises ValueError for a claim without a search."""
    exact, search = searched(claim.name, claim.exact, mutant, deep)
    result = Found()
    rng, started = np.random.default_rng(seed), time.monotonic()
    expired = lambda: time.monotonic() > started + 60 * minutes  # noqa: E731
    best: dict[Any, tuple[float, Floats | None]] = {c: (-np.inf, None) for c in search.choices}
    with tqdm(desc=claim.name, unit=" starts", disable=quiet or None, leave=False) as bar:
        for choice in _schedule(rng, best):
            if expired() or result.refuted:
                break
            ends, ratios = _points(search, rng, choice, best[choice][1])
            if ratios[0] > best[choice][0]:
                best[choice] = (float(ratios[0]), ends[0])
            result.tried += len(ends)
            bar.update(len(ends))
            bar.set_postfix_str(f"largest observed/bound {result.ratio:.4g}")
            _inspect(result, exact, mutant, choice, ends, ratios)
    if result.refuted and result.document is not None:
        violates = lambda d: _violates(exact, d, mutant)  # noqa: E731
        result.document = shrunk(result.document, violates, exact.simpler, expired)
        result.decision = exact.decided(result.document, mutant)
        result.ratio = certified_ratio(result.decision)
    return result


def _violates(exact: Exact, document: Document, mutant: str | None) -> bool:
    try:
        return exact.decided(document, mutant).verdict == "refuted"
    except ValueError:
        return False


def _schedule(
    rng: np.random.Generator, best: dict[Any, tuple[float, Floats | None]]
) -> Iterator[Any]:
    """Every choice once, then the better ones more often."""
    choices = list(best)
    yield from (choices[i] for i in rng.permutation(len(choices)))
    while True:
        # Tournament: the better of two.
        pair = [choices[i] for i in rng.integers(0, len(choices), 2)]
        yield max(pair, key=lambda c: best[c][0])
