"""T3.price of the recursive bound: how little of KL = 30 any problem of a wide class gives away.

Policies of several classes answer independently, by the kind of a type with one of several outcomes
with losses of their own. P_1 and Q have weights for the classes, P_1 also for a policy that loses
nothing; b follows. Q tilts the chances of the outcomes on S_2 as it likes, and all of S_2 may have
more types of a kind than is usual, which costs ln(1/delta). Of the price, ln 6 + ln xi(n) is given
away at any rate here, and n is what makes KL(Q ‖ P_1) 30. Panels are a member, of one class and
kind, and two outcomes. Prints the least share, and its problem, by differential evolution from
random starts, in half a minute.

    JAX_ENABLE_X64=1 PYTHONPATH=. python tests/trials/recursive_price.py
"""

from typing import NamedTuple

import numpy as np
from scipy.optimize import differential_evolution
from scipy.special import rel_entr, softmax

from grpo_checks.theory.generalization.adversary.needed import kl_inverse

CLASSES, KINDS, OUTCOMES, DIVERGENCE = 2, 2, 3, 30.0
LEVELS = (-0.5, 0.0, 0.5)
EXCESS = ((0, 0.1, 0.25, 0.4, 0.55, 0.65, 0.8, 1), (-0.5, -0.5, 0, 0, 0.5, 0.5, 1, 1))
"""The excess by a variable in [0, 1], with flat pieces at the ends of its three parts."""
SHAPES = {
    "weights": ((CLASSES,), (-9.0, 9.0)),
    "chosen": ((CLASSES - 1,), (-9.0, 9.0)),
    "kinds": ((KINDS - 1,), (-5.0, 5.0)),
    "kinds_seen": ((KINDS - 1,), (-3.0, 3.0)),
    "chances": ((CLASSES, KINDS, OUTCOMES - 1), (-9.0, 3.0)),
    "seen": ((CLASSES, KINDS, OUTCOMES - 1), (-40.0, 5.0)),
    "excess": ((CLASSES, KINDS, OUTCOMES), (0.0, 1.0)),
}
"""Logits, of which the last is 0, and of what is seen additions to them."""
BOUNDS = [ends for shape, ends in SHAPES.values() for _ in range(int(np.prod(shape)))]


class Problems(NamedTuple):
    """Of S problems; the last axis is S, the axes before are those of ``SHAPES``, with the last
    entry of laws. ``weights`` has the policy without losses last."""

    weights: np.ndarray
    chosen: np.ndarray
    kinds: np.ndarray
    kinds_seen: np.ndarray
    chances: np.ndarray
    seen: np.ndarray
    excess: np.ndarray


def problems(variables: np.ndarray) -> Problems:
    """Of variables (len(BOUNDS), S)."""
    sizes = [int(np.prod(shape)) for shape, _ in SHAPES.values()]
    pieces = np.split(variables, np.cumsum(sizes)[:-1])
    pairs = zip(SHAPES.items(), pieces, strict=True)
    logits = {name: x.reshape(*shape, -1) for (name, (shape, _)), x in pairs}
    excess = np.interp(logits.pop("excess"), *EXCESS)
    logits["kinds_seen"] = logits["kinds_seen"] + logits["kinds"]
    logits["seen"] = logits["seen"] + logits["chances"]
    laws = {}
    for name, x in logits.items():
        axis = x.ndim - 2
        last = np.zeros_like(np.take(x, [0], axis)) if x.shape[axis] else np.zeros_like(x[:1])
        laws[name] = softmax(np.concatenate([x, last], axis), axis)
    return Problems(**laws, excess=excess)


def parts(at: Problems) -> np.ndarray:
    """The three parts of the excess (3, CLASSES, KINDS, OUTCOMES, S); b by iteration."""
    base, weights = np.zeros((KINDS, 1, at.excess.shape[-1])), at.weights[:-1, None, None]
    for _ in range(50):
        loss = np.clip(base / 2 + at.excess, 0, 1)
        base = (weights * at.chances * loss).sum((0, 2))[:, None]
    excess = np.clip(base / 2 + at.excess, 0, 1) - base / 2
    return np.stack([np.clip((excess - x) / 0.5, 0, 1) for x in LEVELS])


def given_away(variables: np.ndarray) -> np.ndarray:
    """Nats, of problems (variables, S); 2 KL where there is none."""
    at = problems(variables)
    part = parts(at) * at.chosen[:, None, None]
    risk = ((part * at.chances).sum((1, 3)) * at.kinds).sum((0, 1))
    means = ((part * at.seen).sum((1, 3)) * at.kinds_seen).sum(1)
    luck = (rel_entr(at.seen, at.chances).sum(2) * at.chosen[:, None] * at.kinds_seen).sum((0, 1))
    n = (DIVERGENCE - rel_entr(at.chosen, at.weights[:-1]).sum(0)) / np.maximum(luck, 1e-12)
    shared = n * rel_entr(at.kinds_seen, at.kinds).sum(0)
    low, high = np.zeros_like(n), DIVERGENCE + np.clip(shared, 0, 18)
    # With delta below 1e-8, or n below 1, nothing is asked for.
    valid, n = (luck > 1e-12) & (n >= 1) & (shared < 18), np.maximum(n, 1.0)
    for _ in range(40):
        nats = (low + high) / 2
        below = np.asarray(kl_inverse(np.clip(means, 0, 1), nats, n, 1.0, 1.0)).sum(0) < risk
        low, high = np.where(below, nats, low), np.where(below, high, nats)
    price = DIVERGENCE + shared + np.log(6 * (np.sqrt(np.pi * n / 2) + 2 / 3))
    return np.where(valid, price - low, 2 * DIVERGENCE)


if __name__ == "__main__":
    for seed in range(3):
        best = differential_evolution(
            given_away, BOUNDS, seed=seed, vectorized=True, updating="deferred", popsize=6,
            maxiter=3000, tol=1e-7, polish=False,
        )  # fmt: skip
        print(f"{best.fun / DIVERGENCE:.5f} after {best.nit} generations", flush=True)
        for name, value in problems(best.x[:, None])._asdict().items():
            print(name, np.round(value[..., 0], 4).tolist(), flush=True)
