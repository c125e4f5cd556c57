"""What is enough on every problem, next to the price of a bound: at the KL of its cell, at many n.

For McAllester's logarithm and the recursive one, at KL = 0, every n is known to give more than a
fifth away: from n = 2,511 and from 1,000 on ln(1/delta) and ln(2/delta) nats are enough, and less
than 4/5 of the price (Hoeffding); below, by ``tests/trials/every_n.py``. KL by itself of the lambda
bound has no such end: what is said of it is said of the n that are listed, there up to 10^6.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

import numpy as np

from grpo_checks.experiments.claims.generalization.hardest.designs import COIN_DELTA, DELTA
from grpo_checks.theory.generalization.adversary import needed, own_prior
from grpo_checks.theory.generalization.adversary.enough import enough, most_needed
from grpo_checks.theory.generalization.adversary.forms import KL, LAMBDA, SQUARED, Form
from grpo_checks.theory.generalization.adversary.panels import recursive_log

FORMS: Mapping[str, Form] = MappingProxyType(
    {"kl-xi": KL, "kl-2sqrt(n)": KL, "McAllester": SQUARED, "lambda": LAMBDA}
)
"""Of the bounds whose other side is known, see ``theory.generalization.adversary.enough``."""


class Scan(NamedTuple):
    """Numbers of tasks, at one delta and KL(Q ‖ P)."""

    delta: float
    divergence: float
    sizes: tuple[int, ...]


SCANS = MappingProxyType(
    {
        "McAllester": Scan(DELTA, 0.0, (10, 20, 30, 40, 50, 60, 80, 100, 200, 500, 1000, 2510)),
        "KL(Q‖P) of lambda": Scan(
            COIN_DELTA, 30.0, (60, 100, 200, 500, 1000, 2000, 5000, 10_000, 20_000, 50_000)
        ),
        "recursive prior": Scan(
            DELTA, 0.0, tuple(int(x) for x in np.geomspace(1, 10**6, 13).round())
        ),
    }
)
"""By the names of the cells."""


def price(bound: str, n: int, delta: float) -> float:
    """ln(c/delta) of a bound with n tasks, those of S_2 for priors learned from data."""
    if bound == "recursive prior":
        return recursive_log(n, delta)
    return needed.log_constant(bound, n) - float(np.log(delta))


def nats_of(bound: str, n: int, delta: float, divergence: float) -> float:
    """Enough where KL(Q ‖ P) <= ``divergence``; that of the recursive bound must be 0."""
    if bound == "recursive prior":
        return own_prior.nats_enough(n, delta)
    most = divergence + price(bound, n, delta)
    return most_needed(FORMS[bound], n, delta, divergence, most)


def proved(bound: str, n: int, delta: float, divergence: float) -> dict[str, float]:
    """The row's numbers: ``enough_nats``, and ``any_nats`` for whatever KL, of the logarithm.

    Nothing of a bound that no proof is known for. Takes seconds.
    """
    if bound not in FORMS:
        return {}
    numbers = {"enough_nats": nats_of(bound, n, delta, divergence)}
    if divergence == 0:
        numbers["any_nats"] = enough(FORMS[bound], n, delta, price(bound, n, delta))
    return numbers


def scanned(cell: str) -> dict[str, float]:
    """The least share of the logarithm, or of KL by itself, given away at the n of ``SCANS``."""
    if cell not in SCANS:
        return {}
    scan, bound = SCANS[cell], cell.removeprefix("KL(Q‖P) of ")
    shares = {n: _share(bound, n, scan) for n in scan.sizes}
    at = min(shares, key=lambda n: shares[n])
    ends = {"scan_from": min(scan.sizes), "scan_to": max(scan.sizes), "scan_sizes": len(shares)}
    return {"scan_least": shares[at], "scan_at": at, **ends}


def _share(bound: str, n: int, scan: Scan) -> float:
    logarithm = price(bound, n, scan.delta)
    spare = scan.divergence + logarithm - nats_of(bound, n, scan.delta, scan.divergence)
    return spare / (scan.divergence or logarithm)
