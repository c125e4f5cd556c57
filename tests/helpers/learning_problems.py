"""Small learning problems, and the brute force that exact coverage is held against.

In floats, and of documents at 50 digits: all ordered samples, a Gibbs posterior each.
"""

from collections import Counter
from collections.abc import Iterator
from fractions import Fraction
from itertools import product
from math import prod
from typing import NamedTuple

import mpmath
import numpy as np
import pytest
from flint import fmpq

from grpo_checks.theory.generalization import coverage, worst_posterior
from grpo_checks.theory.generalization.learning import Learning, policy_losses, sampled_policies
from grpo_checks.theory.instances.specialists import specialists

SMALL = Learning(
    [[0.0, 1.0, 0.5], [1.0, 0.0, 0.2], [0.3, 0.3, 0.3]], [0.5, 0.3, 0.2], [0.6, 0.3, 0.1]
)
DOCUMENT = {
    "n": 6,
    "delta": "1/5",
    "source": [5, 3, 2],
    "losses": [[0, 1, "1/2"], [1, 0, "1/5"], ["3/10", "3/10", "3/10"]],
    "prior": [6, 3, 1],
    "temperature": "1/4",
}
"""The same problem as claims on coverage store it."""
BERNOULLI = Learning([[0.0, 1.0]], [0.7, 0.3])


def specialist_problem(types=3, policies=50):
    """The problem that the ledger speaks of."""
    instance = specialists(types=types)
    losses = policy_losses(instance.mdp, sampled_policies(instance.policy, policies))
    return Learning(np.asarray(losses), np.asarray(instance.mdp.prompt_distribution))


def samples(problem, n):
    """All ordered samples of n outcomes with their probabilities: Z^n of them."""
    chance = np.asarray(problem.chance)
    for sample in product(range(chance.size), repeat=n):
        yield list(sample), float(np.prod(chance[list(sample)]))


def gibbs_by_hand(problem, sample, temperature):
    """(Lhat(Q), mean squared loss, L_S(Q), KL) in plain NumPy, task by task."""
    loss, prior = np.asarray(problem.loss), np.asarray(problem.prior)
    seen = loss[:, sample]
    weight = prior * np.exp(-seen.sum(1) / temperature)
    q = weight / weight.sum()
    kl = float((q * np.log(q / prior)).sum())
    risk = loss @ np.asarray(problem.target)
    return float(q @ seen.mean(1)), float(q @ (seen**2).mean(1)), float(q @ risk), kl


class Seen(NamedTuple):
    """What a sample shows of a posterior, and the risk that a bound speaks of; mpmath numbers."""

    empirical: object
    second: object
    risk: object
    divergence: object


def real(x):
    """At the digits in use."""
    x = Fraction(x)
    return mpmath.mpf(x.numerator) / x.denominator


def law(odds):
    """Chances in these proportions."""
    return [Fraction(x) / sum(map(Fraction, odds)) for x in odds]


def seen(document, sample):
    """The Gibbs posterior of an ordered sample of task types."""
    losses = [[Fraction(x) for x in row] for row in document["losses"]]
    prior = law(document.get("prior", [1] * len(losses)))
    heat, n = Fraction(document.get("temperature", 1)), len(sample)
    target = law(document.get("target", document["source"]))
    means = [sum(row[t] for t in sample) / n for row in losses]
    squares = [sum(row[t] ** 2 for t in sample) / n for row in losses]
    risks = [sum(x * p for x, p in zip(row, target, strict=True)) for row in losses]
    weights = [real(p) * mpmath.exp(-real(n * x / heat)) for p, x in zip(prior, means, strict=True)]
    posterior = [w / sum(weights) for w in weights]
    kl = sum(q * mpmath.log(q / real(p)) for q, p in zip(posterior, prior, strict=True))
    mixed = (
        sum(q * real(x) for q, x in zip(posterior, values, strict=True))
        for values in (means, squares, risks)
    )
    return Seen(*mixed, kl)


def listed(document):
    """Chance and ``Seen`` of every sample: all ordered ones are listed, and those of the same tasks
    in another order show the same."""
    source, chances = law(document["source"]), Counter()
    for sample in product(range(len(source)), repeat=document["n"]):
        chances[tuple(sorted(sample))] += prod(source[t] for t in sample)
    for sample, chance in chances.items():
        if chance:
            yield chance, seen(document, sample)


@mpmath.workdps(50)
def failing(document, bound):
    """The chance that ``bound(seen, n, delta)`` is below the risk, as a fraction."""
    n, delta = document["n"], real(document["delta"])
    chance = Fraction(sum(p for p, s in listed(document) if bound(s, n, delta) < s.risk))
    return fmpq(chance.numerator, chance.denominator)


def kl(q, p):
    """kl(q ‖ p) for p > 0 that is 1 only where q is."""
    return sum(a * mpmath.log(a / b) for a, b in ((q, p), (1 - q, 1 - p)) if a > 0)


def kl_upper(q, nats):
    """max{p: kl(q ‖ p) <= nats}, to 40 digits, by bisection."""
    low, high = mpmath.mpf(q), mpmath.mpf(1)
    for _ in range(140):
        middle = (low + high) / 2
        low, high = (middle, high) if kl(q, middle) <= nats else (low, middle)
    return low


def xi(n):
    """Maurer's constant, by its definition."""
    shares = [Fraction(k, n) for k in range(n + 1)]
    terms = (s**k * (1 - s) ** (n - k) * int(mpmath.binomial(n, k)) for k, s in enumerate(shares))
    return real(sum(terms))


def short_chunks() -> Iterator[None]:
    """A fixture: samples are listed in chunks that are filled up, and of the usual 8,192 the few
    of a test would be a small part."""
    with pytest.MonkeyPatch.context() as patch:
        for module in (coverage, worst_posterior):
            patch.setattr(module, "CHUNK", 512)
        yield
