"""T3.coverage at rational points: the failure probability as a sum of rationals.

A document is a learning problem (``theory.rational.tasks.tasks``) with ``bound``, by its name
there, and ``posterior`` "Gibbs" or "worst": whatever posterior the sample leads to; Catoni's bound
has its ``constant``. The mutants are false versions of kl-xi with a Gibbs posterior, whatever the
bound.
"""

from collections.abc import Iterable, Sequence
from types import MappingProxyType

from flint import arb, fmpq

from grpo_checks.experiments.falsifier.smaller import fewer, fewer_types
from grpo_checks.experiments.points.generalization.coverage_search import SEARCH
from grpo_checks.experiments.protocol.points import Document, Exact
from grpo_checks.experiments.protocol.verdict import Decision, compare, unmet
from grpo_checks.theory.numbers.fields import POSITIVE, number, one_of
from grpo_checks.theory.rational.tasks.bounds import (
    RULES,
    Rule,
    catoni_rule,
    failure,
    kl_rule,
    nats,
    plain,
    says_nothing,
    xi,
)
from grpo_checks.theory.rational.tasks.divergences import kl_exceeds
from grpo_checks.theory.rational.tasks.tasks import (
    Learned,
    Learner,
    Tasks,
    empirical,
    gibbs,
    learn,
    parse_tasks,
)
from grpo_checks.theory.rational.tasks.worst import KINDS, breakable

ALONE = ("Chernoff", "fresh tasks")
EPISODES = 4


def _doubled(seen: Learned, n: int, delta: fmpq) -> bool | None:
    """Fed 2 l, cut at 1; in units of l it promises half of what it says."""
    if 2 * seen.risk > 1:
        return True
    twice = 2 * seen.empirical
    return kl_exceeds(twice, 2 * seen.risk, (seen.divergence + nats(xi(n), delta)) / n)


def _log10(seen: Learned, n: int, delta: fmpq) -> bool | None:
    price = nats(xi(n), delta) / arb(10).log()
    return kl_exceeds(seen.empirical, seen.risk, (seen.divergence + price) / n)


def _halved(seen: Learned, n: int, delta: fmpq) -> bool | None:
    needed = (seen.divergence + nats(xi(n), delta)) / (2 * n)
    return kl_exceeds(seen.empirical, seen.risk, needed)


def _free(seen: Learned, n: int, delta: fmpq) -> bool | None:
    return RULES["kl-xi"](seen._replace(divergence=fmpq(0)), n, delta)


def _crowded(seen: Learned, n: int, delta: fmpq) -> bool | None:
    return kl_rule(plain)(seen, EPISODES * n, delta)


def _own_prior(tasks: Tasks, counts: Sequence[int]) -> Learned:
    """KL to the posterior of the same tasks at twice the temperature."""
    fit = [-tasks.n * x / (2 * tasks.temperature) for x in empirical(tasks, counts)]
    prior, _ = gibbs(tasks.prior, fit)
    return learn(tasks, counts)._replace(divergence=gibbs(prior, fit)[1])


MUTANTS: MappingProxyType[str, tuple[Rule, Learner]] = MappingProxyType(
    {
        "halved exponent": (_halved, learn),
        "log10 for ln": (_log10, learn),
        "KL dropped": (_free, learn),
        "posterior as prior": (RULES["kl-xi"], _own_prior),
        "episodes as tasks": (_crowded, learn),
        "losses in {0,2}": (_doubled, learn),
    }
)


def _outside(tasks: Tasks, bound: str) -> str | None:
    """The assumption that a problem breaks, if any."""
    if tasks.target != tasks.source:
        return "risk is measured where tasks are not drawn"
    if bound in ALONE and len(tasks.losses) > 1:
        return "the bound holds for one policy, chosen beforehand"
    if bound == "fresh tasks" and not all(x in (0, 1) for x in tasks.losses[0]):
        return "the binomial tail needs losses of 0 or 1"
    return None


def _rule(document: Document, bound: str) -> Rule:
    """Of a bound. Raises ValueError for a constant that is not positive."""
    if bound != "Catoni":
        return RULES[bound]
    return catoni_rule(number("constant", document.get("constant", 1), POSITIVE))


def _named(document: Document) -> tuple[str, str]:
    """Bound and posterior. Raises ValueError for unknown ones."""
    known = {"Gibbs": tuple(RULES), "worst": tuple(KINDS)}
    posterior = one_of({"posterior": "Gibbs", **document}, "posterior", tuple(known))
    return one_of(document, "bound", known[posterior]), posterior


def decide(document: Document, mutant: str | None) -> Decision:
    """Failure probability against delta."""
    tasks, (bound, posterior) = parse_tasks(document), _named(document)
    if mutant is None and (why := _outside(tasks, bound)):
        return unmet(why)
    if mutant is None and posterior == "worst":
        probability = failure(tasks, lambda counts: breakable(tasks, counts, bound))
        return compare(probability, tasks.delta)
    rule, learner = (_rule(document, bound), learn) if mutant is None else MUTANTS[mutant]
    probability = failure(tasks, lambda counts: rule(learner(tasks, counts), tasks.n, tasks.delta))
    if probability == 0 and says_nothing(tasks, rule, learner):
        return Decision(probability, tasks.delta, "vacuous", "no better than 1 for any sample")
    return compare(probability, tasks.delta)


def simpler(document: Document) -> Iterable[Document]:
    """A task type less, or a policy less."""
    yield from fewer_types(document, ("source", "target", "losses"))
    yield from fewer(document, ("losses", "prior"))


EXACT = Exact(decide, SEARCH, simpler)
