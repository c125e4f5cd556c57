"""Where a falsifier looks for transfer bounds that are used up; see
``experiments.points.generalization.ood``.
"""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from grpo_checks.experiments.falsifier.rounding import Floats, odds, table, unit
from grpo_checks.experiments.protocol.points import Document, Search
from grpo_checks.theory.generalization.maurer_constant import xi
from grpo_checks.theory.generalization.transfer import chi_square, total_variation
from grpo_checks.theory.numbers.counts import count_vectors, log_chances
from grpo_checks.theory.numbers.kl import binary_kl, kl_divergence

TINY = 1e-9
"""Keeps ratios of two vanishing numbers finite."""
SOFT = 0.02
"""Nats over which a sample goes from holding to failing, in the guide alone."""


class Place(NamedTuple):
    """A choice; one policy. ``n`` is 0 where no sample enters."""

    bound: str
    types: int
    n: int = 0


EXPECTED = ("oscillation", "variation", "pinsker", "pinsker_reversed", "chi_square")
CHOICES = (
    *(Place(b, 3) for b in (*EXPECTED, "data_processing")),
    *(Place(b, 2, n) for b in ("kl-xi + TV", "importance-weighted kl-xi") for n in (1, 4)),
)


def _parts(x: Any, types: int) -> Any:
    """Logits of delta, source, target and losses."""
    return x[0], x[1 : 1 + types], x[1 + types : 1 + 2 * types], x[1 + 2 * types :]


def document(x: Floats, at: Place, n: int) -> Document:
    """The point, rounded."""
    delta, source, target, loss = _parts(x, at.types)
    # Weights need a source that shows every type.
    laws = {"source": odds(source, n), "target": odds(target, n, 0)}
    if not at.n:
        return {"bound": at.bound, **laws, "loss": table(loss, unit, n)}
    sample = {"n": at.n, "delta": unit(delta, n), "losses": [table(loss, unit, n)]}
    return {"bound": at.bound, **sample, **laws}


def _limit(bound: str, p: Any, q: Any, loss: Any) -> Any:
    """What each bound adds to L_S."""
    if bound == "chi_square":
        return jnp.sqrt(chi_square(q, p) * (p @ jnp.square(loss - loss @ p)))
    if bound.startswith("pinsker"):
        return jnp.sqrt((kl_divergence(q, p) if bound == "pinsker" else kl_divergence(p, q)) / 2)
    apart = total_variation(p, q)
    return apart * (loss.max() - loss.min()) if bound == "oscillation" else apart


def _failing(p: Any, q: Any, loss: Any, delta: Any, at: Place) -> Any:
    """Failure probability over delta, softened."""
    moved, target = total_variation(p, q), loss @ q
    if at.bound == "importance-weighted kl-xi":
        weight = q / p
        loss, moved = loss * weight / weight.max(), jnp.zeros(())
        target = loss @ p
    whole = count_vectors(at.n, at.types)
    counts = whole.astype(float)
    seen, risk = counts @ loss / at.n, target - moved
    needed = jnp.log(xi(at.n) / delta) / at.n
    kl = jnp.where(risk > seen, binary_kl(seen, jnp.maximum(risk, seen)), 0.0)
    ways = np.exp(log_chances(whole, np.ones(at.types)))
    chance = ways * jnp.exp(counts @ jnp.log(p))
    return chance @ jax.nn.sigmoid((kl - needed) / SOFT) / delta


def _ratio(x: Any, at: Place) -> Any:
    delta, source, target, loss = _parts(x, at.types)
    p, q, loss = jax.nn.softmax(source), jax.nn.softmax(target), jax.nn.sigmoid(loss)
    if at.n:
        return _failing(p, q, loss, jax.nn.sigmoid(delta), at)
    if at.bound == "data_processing":
        return binary_kl(loss @ q, loss @ p) / (kl_divergence(q, p) + TINY)
    return (loss @ q - loss @ p) / (_limit(at.bound, p, q, loss) + TINY)


SEARCH = Search(CHOICES, lambda at: 1 + 3 * at.types, _ratio, document)
