"""One choice per prompt, in rational numbers.

The smallest models on which claims about GRPO differ: a prompt is drawn, a softmax policy chooses
an action, the action has random outcomes, an outcome has a reward vector. Action probabilities are
rational, logits are their logarithms. Prompts may share one table of logits, as prompts do that the
policy cannot tell apart. The law of an update is in ``theory.rational.choices.update``.
"""

from collections.abc import Iterator, Mapping, Sequence
from itertools import accumulate
from typing import Any, NamedTuple

from flint import fmpq

from grpo_checks.theory.numbers.balls import total
from grpo_checks.theory.numbers.fields import POSITIVE, REWARD, entry, flag, listed, numbers, shares

MAX_SCORES = 10**6
"""Kinds of episodes times logits: more are not written down."""


Lottery = tuple[tuple[fmpq, tuple[fmpq, ...]], ...]
"""Chances and rewards of an action's outcomes."""


class Kind(NamedTuple):
    """An action with one of its outcomes: episodes that no estimator can tell apart."""

    chance: fmpq
    rewards: tuple[fmpq, ...]
    score: tuple[fmpq, ...]
    """Gradient of log pi with respect to all logits, flattened."""


class Choice(NamedTuple):
    """A model and a policy; ``kinds[q]`` sum to chance 1."""

    prompt_chance: tuple[fmpq, ...]
    kinds: tuple[tuple[Kind, ...], ...]
    weights: tuple[fmpq, ...]

    @property
    def dimension(self) -> int:
        """How many logits."""
        return len(self.kinds[0][0].score)


def parse_choice(document: Mapping[str, Any]) -> Choice:
    """From JSON: ``weights`` and ``prompts``, each with ``share`` and ``actions``; these with
    ``odds`` and ``outcomes``; these with ``share`` and ``rewards``.

    Shares and odds are numbers > 0, of which only the proportions matter; ``shared`` true: one
    table of logits for all prompts, whose odds must then be those of the first. Raises ValueError,
    naming the field.
    """
    weights = numbers("weights", entry(document, "weights"), POSITIVE)
    prompts, shared = listed("prompts", entry(document, "prompts")), flag(document, "shared")
    chances = shares("prompts.share", [entry(p, "share") for p in prompts])
    tables = [_odds(p) for p in prompts]
    if shared and any(table != tables[0] for table in tables):
        raise ValueError("actions.odds: expected the same at all prompts of a shared table")
    sizes = [0, *accumulate(0 if shared else len(table) for table in tables)]
    size = len(tables[0]) if shared else sizes[-1]
    outcomes = [[lotteries(a, len(weights)) for a in p["actions"]] for p in prompts]
    scores = size * sum(len(lottery) for row in outcomes for lottery in row)
    if scores > MAX_SCORES:
        raise ValueError(f"prompts: {scores} entries of scores, expected at most {MAX_SCORES}")
    kinds = tuple(
        tuple(_kinds(row, table, offset, size))
        for row, table, offset in zip(outcomes, tables, sizes, strict=False)
    )
    return Choice(chances, kinds, weights)


def _odds(prompt: Any) -> tuple[fmpq, ...]:
    actions = listed("actions", entry(prompt, "actions"))
    return shares("actions.odds", [entry(action, "odds") for action in actions])


def _kinds(
    outcomes: Sequence[Lottery], table: Sequence[fmpq], offset: int, size: int
) -> Iterator[Kind]:
    for a, (lottery, chance) in enumerate(zip(outcomes, table, strict=True)):
        score = [fmpq(0)] * size
        score[offset : offset + len(table)] = [-p for p in table]
        score[offset + a] += 1
        for share, rewards in lottery:
            yield Kind(chance * share, rewards, tuple(score))


def lotteries(action: Any, k: int) -> Lottery:
    """The outcomes of an action: chance, and its ``k`` rewards. Raises ValueError."""
    outcomes = listed("outcomes", entry(action, "outcomes"))
    chances = shares("outcomes.share", [entry(outcome, "share") for outcome in outcomes])
    rewards = (numbers("rewards", entry(outcome, "rewards"), REWARD, k) for outcome in outcomes)
    return tuple(zip(chances, rewards, strict=True))


def composite(rewards: Sequence[fmpq], weights: Sequence[fmpq]) -> fmpq:
    """R = sum_k w_k r_k."""
    return total(w * r for w, r in zip(weights, rewards, strict=True))
