"""T3.ood at rational points: how far a risk may move, and the two bounds that use a sample.

A document has ``bound``, and ``source``, ``target`` and ``loss`` of one policy
(``theory.rational.tasks.moved``); for the bounds of SAMPLED a learning problem with a target
(``theory.rational.tasks.tasks``).
"""

from collections.abc import Iterable

from flint import fmpq

from grpo_checks.experiments.falsifier.smaller import fewer_types
from grpo_checks.experiments.points.generalization.coverage import simpler as fewer
from grpo_checks.experiments.points.generalization.ood_search import SEARCH
from grpo_checks.experiments.protocol.points import Document, Exact
from grpo_checks.experiments.protocol.verdict import Decision, compare, compare_logs, unmet
from grpo_checks.theory.numbers.balls import Number
from grpo_checks.theory.numbers.fields import one_of
from grpo_checks.theory.numbers.logs import as_powers, binary_divergence, divergence
from grpo_checks.theory.rational.tasks.bounds import RULES, failure, says_nothing
from grpo_checks.theory.rational.tasks.divergences import variation
from grpo_checks.theory.rational.tasks.moved import LIMITS, Moved, parse_moved
from grpo_checks.theory.rational.tasks.tasks import Learned, Tasks, learn, parse_tasks

PROCESSED, WEIGHTED = "data_processing", "importance-weighted kl-xi"
SAMPLED = ("kl-xi + TV", WEIGHTED)
BOUNDS = (*LIMITS, PROCESSED, *SAMPLED)
FIELDS = ("source", "target", "loss")


def _processed(of: Moved, swapped: bool) -> Decision:
    """kl(L_T ‖ L_S) <= KL(D_T ‖ D_S), or with the right-hand side's laws swapped.

    Raises ValueError where the left-hand side alone is infinite: there is no ratio to speak of.
    """
    risk_s, risk_t = of.risks
    laws = (of.source, of.target) if swapped else (of.target, of.source)
    left, right = binary_divergence(risk_t, risk_s), divergence(*laws)
    if right is None:
        return Decision(fmpq(0), fmpq(1), "vacuous", "KL is infinite")
    if left is None:
        raise ValueError(f"source = {list(map(str, of.source))}: expected one with 0 < L_S < 1")
    return compare_logs(left, right, as_powers(left, right))


def _moved(of: Moved, limit: Number | None) -> Decision:
    """L_T - L_S against what a bound adds to L_S."""
    before, after = of.risks
    if limit is None or before + limit >= 1:
        return Decision(after - before, 1 - before, "vacuous", "no better than 1")
    return compare(after - before, limit)


def _covered(of: Tasks, rule_of: str) -> Decision:
    """The failure probability of a bound on L_T against delta."""
    moved = variation(of.source, of.target) if rule_of == "kl-xi + TV" else fmpq(0)

    def rule(seen: Learned, n: int, delta: fmpq) -> bool | None:
        return RULES["kl-xi"](seen._replace(risk=seen.risk - moved), n, delta)

    found = failure(of, lambda counts: rule(learn(of, counts), of.n, of.delta))
    if found == 0 and says_nothing(of, rule, learn):
        return Decision(found, of.delta, "vacuous", "no better than 1 for any sample")
    return compare(found, of.delta)


def reweighted(of: Tasks) -> tuple[Tasks, fmpq] | None:
    """Losses w l/w_max on the source, and w_max, w = D_T/D_S; None where the source covers less."""
    if any(t > 0 and s == 0 for s, t in zip(of.source, of.target, strict=True)):
        return None
    weight = [t / s if s > 0 else fmpq(0) for s, t in zip(of.source, of.target, strict=True)]
    top = max(weight)
    losses = tuple(
        tuple(x * w / top for x, w in zip(row, weight, strict=True)) for row in of.losses
    )
    return of._replace(losses=losses, target=of.source), top


def _weighted(of: Tasks) -> Decision:
    """The kl-xi bound of the reweighted losses, times w_max."""
    found = reweighted(of)
    if found is None:
        return unmet("the source never shows the target's tasks: weights are infinite")
    return _covered(found[0], WEIGHTED)


def decide(document: Document, mutant: str | None) -> Decision:
    """Of the bound named in the document, or of a mutant, whatever the bound."""
    bound = one_of(document, "bound", BOUNDS)
    if bound in SAMPLED and mutant is None:
        of = parse_tasks(document)
        return _weighted(of) if bound == WEIGHTED else _covered(of, bound)
    moved = parse_moved(document)
    if mutant == "half of TV":
        return _moved(moved, variation(moved.source, moved.target) / 2)
    if bound == PROCESSED or mutant is not None:
        return _processed(moved, swapped=mutant is not None)
    return _moved(moved, LIMITS[bound](moved))


def simpler(document: Document) -> Iterable[Document]:
    """A task type or a policy less."""
    return fewer(document) if "losses" in document else fewer_types(document, FIELDS)


EXACT = Exact(decide, SEARCH, simpler)
