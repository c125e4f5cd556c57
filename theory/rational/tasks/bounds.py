"""Whether a PAC-Bayes bound lies below a risk, decided in balls; kl is never inverted.

The bounds are those of ``theory.generalization.pac_bayes``. True: certainly below, so that the
bound fails; False: certainly not; None: the balls leave it open.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from math import comb
from types import MappingProxyType

from flint import arb, fmpq

from grpo_checks.theory.numbers.balls import Number, hull, root, total
from grpo_checks.theory.numbers.counts import check_tasks
from grpo_checks.theory.rational.tasks.divergences import above, kl_exceeds
from grpo_checks.theory.rational.tasks.tasks import Learned, Learner, Tasks, samples

MAX_EXACT, MAX_ENCLOSED = 100, 10**5
GRID = 8
"""Rates 2^(-j/2) of the unexpected Bernstein bound."""
Rule = Callable[[Learned, int, fmpq], bool | None]


@lru_cache(maxsize=256)
def xi(n: int) -> Number:
    """sum_k C(n,k) (k/n)^k (1-k/n)^(n-k) by its definition: rational up to n = 100, else enclosed.

    Raises ValueError unless n is in 1..10^5.
    """
    check_tasks(n)
    if n > MAX_ENCLOSED:
        raise ValueError(f"n = {n}: expected at most {MAX_ENCLOSED} terms to add up")
    if n <= MAX_EXACT:
        numerator = sum(comb(n, k) * k**k * (n - k) ** (n - k) for k in range(n + 1))
        return fmpq(numerator, n**n)
    # C(n,k) grows by (n-k)/(k+1) from term to term.
    total, ways = arb(0), arb(1)
    for k in range(n + 1):
        total += ways * (arb(k) / n) ** k * (arb(n - k) / n) ** (n - k)
        ways *= arb(n - k) / (k + 1)
    return total


@lru_cache(maxsize=256)
def plain(n: int) -> Number:
    """2 sqrt n."""
    check_tasks(n)
    return root(fmpq(4 * n))


def nats(price: Number, delta: fmpq) -> arb:
    """ln(price/delta)."""
    return arb(price / delta).log()


def kl_rule(price: Callable[[int], Number]) -> Rule:
    """kl(Lhat ‖ L) <= (KL + ln(price(n)/delta))/n."""
    return lambda seen, n, delta: kl_exceeds(
        seen.empirical, seen.risk, (seen.divergence + nats(price(n), delta)) / n
    )


def mcallester(seen: Learned, n: int, delta: fmpq) -> bool | None:
    """Lhat + sqrt((KL + ln(2 sqrt n/delta))/2n)."""
    return above(seen.risk, mcallester_value(seen, n, delta))


def mcallester_value(seen: Learned, n: int, delta: fmpq) -> Number:
    """The bound itself."""
    return seen.empirical + root((seen.divergence + nats(plain(n), delta)) / (2 * n))


def lambda_value(seen: Learned, n: int, delta: fmpq) -> Number:
    """(Lhat + a/l)/(1 - l/2), a = (KL + ln(2 sqrt n/delta))/n, at the l in (0, 2) that is best."""
    nats_per_task = (seen.divergence + nats(plain(n), delta)) / n
    rate = 2 / (1 + root(1 + 2 * seen.empirical / nats_per_task))
    return (seen.empirical + nats_per_task / rate) / (1 - rate / 2)


def catoni_rule(constant: fmpq) -> Rule:
    """(1 - exp(-C Lhat - (KL + ln(1/delta))/n))/(1 - exp(-C)) for this C > 0."""

    def rule(seen: Learned, n: int, delta: fmpq) -> bool | None:
        nats_per_task = (seen.divergence + nats(fmpq(1), delta)) / n
        promised = 1 - (-constant * seen.empirical - nats_per_task).exp()
        return above(seen.risk * (1 - (-arb(constant)).exp()), promised)

    return rule


def bernstein(seen: Learned, n: int, delta: fmpq) -> bool | None:
    """Lhat + (-ln(1-g) - g)/g Ehat[l^2] + (KL + ln(#grid/delta))/(g n), least over the grid."""
    nats_per_task = (seen.divergence + nats(fmpq(GRID), delta)) / n
    verdicts = []
    for j in range(1, GRID + 1):
        g = arb(fmpq(1, 2**j)).sqrt()
        promised = seen.empirical + (((1 - g).log() + g) * -seen.second + nats_per_task) / g
        verdicts.append(above(seen.risk, promised))
    return True if True in verdicts else None if None in verdicts else False


def fresh_tasks(seen: Learned, n: int, delta: fmpq) -> bool | None:
    """P(Bin(n, L) <= n Lhat) >= delta, for one policy with losses of 0 or 1."""
    errors, risk = round(float(seen.empirical * n)), seen.risk
    tail = total(comb(n, k) * risk**k * (1 - risk) ** (n - k) for k in range(errors + 1))
    return above(delta, tail)


RULES: Mapping[str, Rule] = MappingProxyType(
    {
        "kl-xi": kl_rule(xi),
        "kl-2sqrt(n)": kl_rule(plain),
        "McAllester": mcallester,
        "Catoni": catoni_rule(fmpq(1)),
        "lambda": lambda seen, n, delta: above(seen.risk, lambda_value(seen, n, delta)),
        "unexpected Bernstein": bernstein,
        "Chernoff": kl_rule(lambda n: fmpq(1)),
        "fresh tasks": fresh_tasks,
    }
)
"""By the names of ``theory.generalization.coverage``. The last two hold for one policy, chosen
beforehand.
"""


def failure(tasks: Tasks, fails: Callable[[Sequence[int]], bool | None]) -> Number:
    """P(the bound fails): a rational, or an enclosure where some sample stays open."""
    certain, possible = fmpq(0), fmpq(0)
    for chance, counts in samples(tasks):
        failing = fails(counts)
        certain += chance * (failing is True)
        possible += chance * (failing is not False)
    return hull(certain, possible)


def says_nothing(tasks: Tasks, rule: Rule, learner: Learner) -> bool:
    """Whether the bound certainly is at least 1 for every sample."""
    largest = (learner(tasks, counts)._replace(risk=fmpq(1)) for _, counts in samples(tasks))
    return all(rule(seen, tasks.n, tasks.delta) is False for seen in largest)
