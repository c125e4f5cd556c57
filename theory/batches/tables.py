"""Which totals of a group an update rule looks at."""

from grpo_checks.theory.batches.baselines import (
    greedy_baseline,
    length_weighted,
    mean_normalized,
    pass_at_k,
)
from grpo_checks.theory.batches.batch_totals import Divisor
from grpo_checks.theory.batches.columns import column_table
from grpo_checks.theory.batches.divisors import divisor
from grpo_checks.theory.batches.members import Members, Table
from grpo_checks.theory.batches.micro import labelled, micro_divisor
from grpo_checks.theory.batches.whitened import whitened
from grpo_checks.theory.estimators.advantages import WITHIN_GROUP
from grpo_checks.theory.estimators.group_law import SAMPLING
from grpo_checks.theory.rules.aggregation import EPISODE_SUM
from grpo_checks.theory.rules.rule import UpdateRule

OVER_BATCH = ("batch_scaled", "nonzero_scaled")
ALONE = {
    "length_weighted": length_weighted,
    "greedy_baseline": greedy_baseline,
    "pass_at_k": pass_at_k,
    "mean_normalized": mean_normalized,
}


def acts_alone(rule: UpdateRule) -> bool:
    """Whether a group's part of the update knows nothing of the other groups."""
    estimator = rule.estimator
    over_batch = estimator.name in OVER_BATCH or estimator.whiten is not None
    return rule.aggregation.within_episode and not over_batch


def group_table(members: Members, rule: UpdateRule, group_size: int, groups: int = 1) -> Table:
    """Raises ValueError for rules whose sums are not known."""
    estimator, aggregation = rule.estimator, rule.aggregation
    if aggregation.micro_batch is not None:
        plain = rule._replace(aggregation=EPISODE_SUM)
        inner = group_table(members, plain, group_size)
        if estimator.whiten is not None or estimator.name == "greedy_baseline":
            raise ValueError(f"rule = {rule}: expected one without micro-batches; {SAMPLING}")
        return labelled(inner, members, aggregation.micro_batches(groups * group_size))
    if estimator.whiten is not None:
        if estimator.name not in WITHIN_GROUP:
            raise ValueError(
                f"estimator = {estimator}: expected one of {WITHIN_GROUP}, or whiten = None; "
                f"{SAMPLING}"
            )
        return whitened(members, rule, group_size)
    if estimator.name in ALONE:
        return ALONE[estimator.name](members, rule, group_size)
    return column_table(members, rule, group_size)


def batch_divisor(members: Members, rule: UpdateRule, count: int) -> Divisor:
    """Of a batch of ``count`` episodes."""
    if rule.aggregation.micro_batch is None:
        return divisor(members, rule, count)
    outer = divisor(members, rule._replace(aggregation=EPISODE_SUM), count)
    return micro_divisor(outer, members, rule, count)
