"""T3.price of the recursive bound: how little of KL = 30 any problem of a wide class gives away.

Policies answer independently, by the kind of a type and one of several outcomes with losses of
their own; b follows from them, with a weight 1-e for a policy that loses nothing. Q tilts the
chances of the outcomes on S_2 as it likes, and all of S_2 may have more types of a kind than is
usual, which costs ln(1/delta). Of the price, ln 6 + ln xi(n) is given away at any rate here, and n
is what makes KL(Q ‖ P_1) 30. Panels are a member, with two outcomes and one kind. Prints the least
share by differential evolution from random starts, in seconds.

    JAX_ENABLE_X64=1 PYTHONPATH=. python tests/trials/recursive_price.py
"""

from typing import NamedTuple

import numpy as np
from scipy.optimize import differential_evolution
from scipy.special import rel_entr, softmax

from grpo_checks.theory.generalization.adversary.needed import kl_inverse

KINDS, OUTCOMES, DIVERGENCE = 2, 3, 30.0
FREE = (OUTCOMES - 1) * KINDS
LEVELS = (-0.5, 0.0, 0.5)
EXCESS = ((0, 0.1, 0.25, 0.4, 0.55, 0.65, 0.8, 1), (-0.5, -0.5, 0, 0, 0.5, 0.5, 1, 1))
"""The excess by a variable in [0, 1], with flat pieces at the ends of its three parts."""
BOUNDS = [
    (1e-3, 1.0),
    *[(-5.0, 5.0)] * (KINDS - 1),
    *[(-3.0, 3.0)] * (KINDS - 1),
    *[(-9.0, 3.0)] * FREE,
    *[(-40.0, 5.0)] * FREE,
    *[(0.0, 1.0)] * (KINDS * OUTCOMES),
]


class Problems(NamedTuple):
    """Of S problems: e (S,), chances of kinds (KINDS, S) and of outcomes (KINDS, OUTCOMES, S), both
    as they are and as seen, and the excess that a loss is meant to have."""

    share: np.ndarray
    kinds: np.ndarray
    kinds_seen: np.ndarray
    chances: np.ndarray
    seen: np.ndarray
    excess: np.ndarray


def problems(variables: np.ndarray) -> Problems:
    """Logits, tilts and levels, with 0 for the last kind and outcome."""
    cuts = np.cumsum([1, KINDS - 1, KINDS - 1, FREE, FREE])
    share, kind, kind_tilt, logit, tilt, level = np.split(variables, cuts)
    last = np.zeros((KINDS, 1, variables.shape[1]))
    logits, tilts = (
        np.concatenate([x.reshape(KINDS, OUTCOMES - 1, -1), last], 1) for x in (logit, tilt)
    )
    kinds = np.concatenate([kind, last[0]])
    kinds_seen = kinds + np.concatenate([kind_tilt, last[0]])
    excess = np.interp(level, *EXCESS).reshape(KINDS, OUTCOMES, -1)
    laws = (softmax(kinds, 0), softmax(kinds_seen, 0), softmax(logits, 1))
    return Problems(share[0], *laws, softmax(logits + tilts, 1), excess)


def parts(at: Problems) -> np.ndarray:
    """The three parts of the excess (3, KINDS, OUTCOMES, S); b by iteration."""
    base = np.zeros_like(at.excess[:, :1])
    for _ in range(50):
        loss = np.clip(base / 2 + at.excess, 0, 1)
        base = at.share * (at.chances * loss).sum(1, keepdims=True)
    excess = np.clip(base / 2 + at.excess, 0, 1) - base / 2
    return np.stack([np.clip((excess - x) / 0.5, 0, 1) for x in LEVELS])


def given_away(variables: np.ndarray) -> np.ndarray:
    """Nats, of problems (variables, S); 2 KL where there is none."""
    at = problems(variables)
    part = parts(at)
    risk = ((part * at.chances).sum(2) * at.kinds).sum((0, 1))
    means = ((part * at.seen).sum(2) * at.kinds_seen).sum(1)
    luck = (rel_entr(at.seen, at.chances).sum(1) * at.kinds_seen).sum(0)
    n = (DIVERGENCE + np.log(at.share)) / np.maximum(luck, 1e-12)
    shared = n * rel_entr(at.kinds_seen, at.kinds).sum(0)
    low, high = np.zeros_like(n), DIVERGENCE + shared
    for _ in range(40):
        nats = (low + high) / 2
        below = np.asarray(kl_inverse(means, nats, n, 1.0, 1.0)).sum(0) < risk
        low, high = np.where(below, nats, low), np.where(below, high, nats)
    price = DIVERGENCE + shared + np.log(6 * (np.sqrt(np.pi * n / 2) + 2 / 3))
    # With delta below 1e-8, or n below 1, nothing is asked for.
    return np.where((luck > 1e-12) & (n >= 1) & (shared < 18), price - low, 2 * DIVERGENCE)


if __name__ == "__main__":
    for seed in range(3):
        best = differential_evolution(
            given_away, BOUNDS, seed=seed, vectorized=True, updating="deferred", popsize=10,
            maxiter=1500, tol=1e-8, polish=False,
        )  # fmt: skip
        print(f"{best.fun / DIVERGENCE:.5f} after {best.nit} generations")
        for name, value in problems(best.x[:, None])._asdict().items():
            print(name, np.round(value[..., 0], 4).tolist())
