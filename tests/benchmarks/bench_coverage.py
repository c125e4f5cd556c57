"""Exact coverage beside a vectorised NumPy Monte Carlo of the same failure probabilities.

The peer runs for as long as ours takes, on one bound alone. The ratio is of the times to know the
failure probability to one part in a million, the sampler's extrapolated as 1/error^2; ours has no
error but rounding. Compilation is not counted.
"""

import resource
import time
from statistics import median

import numpy as np

from grpo_checks.theory.generalization.coverage import coverage
from grpo_checks.theory.generalization.learning import Learning, policy_losses, sampled_policies
from grpo_checks.theory.generalization.maurer_constant import xi
from grpo_checks.theory.generalization.pac_bayes import BOUNDS
from grpo_checks.theory.instances.specialists import specialists

DELTA, TEMPERATURE, BATCH = 0.05, 1.0, 2000
TARGET = 1e-6
CELLS = (("n = 200, 3 types, 50 policies", 200, 3), ("n = 50, 6 types, 50 policies", 50, 6))


def _problem(types: int) -> Learning:
    instance = specialists(types=types)
    losses = policy_losses(instance.mdp, sampled_policies(instance.policy, 50))
    return Learning(np.asarray(losses), np.asarray(instance.mdp.prompt_distribution))


def _drawn_failures(problem: Learning, n: int, rng: np.random.Generator) -> int:
    """How many of BATCH drawn samples break kl-xi: kl(Lhat ‖ L_S) > (KL + ln(xi/delta))/n."""
    loss, prior = np.asarray(problem.loss), np.asarray(problem.prior)
    counts = rng.multinomial(n, np.asarray(problem.chance), BATCH)
    empirical = counts @ loss.T / n
    fit = -n * empirical / TEMPERATURE
    weight = prior * np.exp(fit - fit.max(1, keepdims=True))
    total = weight.sum(1, keepdims=True)
    q = weight / total
    log_total = np.log(total[:, 0]) + fit.max(1)
    divergence = (q * fit).sum(1) - log_total
    a, b = (q * empirical).sum(1), q @ np.asarray(problem.risk)
    with np.errstate(divide="ignore", invalid="ignore"):
        low = np.where(a > 0, a * np.log(a / b), 0.0)
        kl = low + np.where(a < 1, (1 - a) * np.log((1 - a) / (1 - b)), 0.0)
    return int(((b > a) & (n * kl > divergence + np.log(xi(n) / DELTA))).sum())


def _peer(problem: Learning, n: int, seconds: float) -> tuple[float, int, float]:
    """Failure probability of kl-xi, the number of samples, and the seconds they took."""
    rng, failed, drawn = np.random.default_rng(0), 0, 0
    start = time.perf_counter()
    while drawn == 0 or time.perf_counter() < start + seconds:
        failed += _drawn_failures(problem, n, rng)
        drawn += BATCH
    return failed / drawn, drawn, time.perf_counter() - start


def _row(name: str, n: int, types: int, repeats: int) -> dict[str, object]:
    problem, times = _problem(types), []
    coverage(problem, 2, TEMPERATURE, [DELTA])
    for _ in range(repeats):
        start = time.perf_counter()
        cell = coverage(problem, n, TEMPERATURE, [DELTA])
        times.append(time.perf_counter() - start)
    ours = median(times)
    p, drawn, seconds = _peer(problem, n, ours)
    exact = float(cell.failure[BOUNDS.index("kl-xi"), 0])
    error = float(np.sqrt(exact * (1 - exact) / drawn))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    return {
        "ratio": seconds * (error / exact / TARGET) ** 2 / ours,
        "benchmark": f"exact coverage of {len(BOUNDS)} bounds, {name}",
        "ours_seconds": ours,
        "peer": "NumPy Monte Carlo of kl-xi alone",
        "peer_seconds": seconds,
        "note": (
            f"exact {exact:.3e}, no error; peer {p:.3e} from {drawn} samples, "
            f"standard error {error:.1e} ({error / exact:.0%}); ratio to an error of {TARGET:g}, "
            f"extrapolated; peak memory {peak:.2f} GiB"
        ),
    }


def rows(repeats: int = 5) -> list[dict[str, object]]:
    """One row per problem size; ``ours_seconds`` is a median over ``repeats``."""
    return [_row(*cell, repeats) for cell in CELLS]
