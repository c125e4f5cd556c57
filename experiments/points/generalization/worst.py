"""T3.coverage for whatever posterior a sample leads to: does any break the bound? Enclosed.

A bound n g(Lhat(Q), L(Q)) <= KL(Q ‖ P) + nats, g convex, fails for no Q if ln E_P exp(n g) <= nats
(Jensen, then change of measure), and for some Q if it does for one that is exhibited: here a single
policy, or P tilted by exp(n g). A supremum over posteriors is no formula, so that both are asked.
"""

from typing import Any

import jax
import jax.numpy as jnp

from grpo_checks.experiments.falsifier.constraints import integer, one_of
from grpo_checks.experiments.falsifier.domain import Domain
from grpo_checks.experiments.falsifier.statement import Statement
from grpo_checks.experiments.points.generalization.samples import ARRAYS, failure, listed, setting
from grpo_checks.experiments.protocol.points import Document, Exact
from grpo_checks.experiments.protocol.verdict import Decision, compare
from grpo_checks.theory.arithmetic.enclose import enclose
from grpo_checks.theory.generalization.learning import gibbs, sample_law
from grpo_checks.theory.generalization.worst_posterior import KINDS, one_sided_kl, squared
from grpo_checks.theory.numbers.balls import hull
from grpo_checks.theory.numbers.counts import MAX_TASKS


def _problem(bound: str, n: int, delta: Any, source: Any, losses: Any) -> tuple[Any, ...]:
    """Chances (C,), nats that the bound allows, losses seen (C, M), risks (C, M), and n g."""
    counts = listed(n, len(source))
    at = setting(n, delta)
    price = at.xi if bound == "kl-xi" else 2 * jnp.sqrt(at.n)
    convex = squared if bound == "McAllester" else one_sided_kl
    shown = jnp.asarray(counts, float) @ losses.T / n
    allowed = jnp.full(len(counts), 1.0) * jnp.log(price / delta)
    risk = jnp.broadcast_to((losses @ source)[None], shown.shape)
    return sample_law(counts, source), allowed, shown, risk, lambda a, b: n * convex(a, b)


def _exhibited(prior: Any, temperature: Any, **problem: Any) -> tuple[Any, Any, Any]:
    """The largest n g - KL of some posteriors."""
    chance, allowed, shown, risk, nats = _problem(**problem)
    single = nats(shown, risk) + jnp.log(prior)[None]
    tilted, divergence = jax.vmap(gibbs, (None, 0))(prior, nats(shown, risk))
    mixed = nats((tilted * shown).sum(1), (tilted * risk).sum(1)) - divergence
    return chance, allowed, jnp.maximum(single.max(1), mixed)


def _moment(prior: Any, temperature: Any, **problem: Any) -> tuple[Any, Any, Any]:
    """ln E_P exp(n g), which no posterior exceeds."""
    chance, allowed, shown, risk, nats = _problem(**problem)
    values = nats(shown, risk)
    top = values.max(1)
    return chance, allowed, jnp.log(jnp.exp(values - top[:, None]) @ prior) + top


DOMAIN = Domain(
    ARRAYS,
    {"bound": one_of(*KINDS), "n": integer(1, MAX_TASKS)},
    [
        {"bound": "kl-xi", "n": n, "policies": k, "types": k, "temperature": False}
        for n in (2, 8)
        for k in (2, 3)
    ],
)
_certain, _possible = (
    enclose(lambda point, bounds=bounds: failure(bounds)(**point)[0])
    for bounds in (_exhibited, _moment)
)


def decide(document: Document, mutant: str | None = None) -> Decision:
    """The chance that some posterior breaks the bound, against delta."""
    point = DOMAIN.read(document)
    return compare(hull(_certain(point), _possible(point)), point["delta"][()])


_CLIMBED = Statement(failure(_moment, soft=True), DOMAIN).exact()
EXACT = Exact(decide, _CLIMBED.search, DOMAIN.simpler)
