"""Points of P.kl: estimates of a KL penalty, row by row of the claim's table.

Statement: every logit of an estimate's expected gradient is that of what it is taken for, at a
policy of two decisions, or of one (``two_decisions``).
Proof: ``theory.regularisation.in_loss``.
Units: nats.
"""

from collections.abc import Callable, Mapping
from typing import Any

import jax.numpy as jnp
import numpy as np

from grpo_checks.experiments.falsifier.constraints import integer, one_of, simplex
from grpo_checks.experiments.falsifier.domain import Domain
from grpo_checks.experiments.falsifier.statement import Statement
from grpo_checks.experiments.points.practice.two_decisions import GROUP_SIZE, Side, side
from grpo_checks.experiments.protocol.verdict import Decision, unmet
from grpo_checks.theory.rules.aggregation import Aggregation

PER_EPISODE, PER_TOKEN = Aggregation("sequence_mean"), Aggregation("token_mean")
Row = Callable[[Side], tuple[Any, Any]]
NOTHING = 0.0
K1, K1_PER_EPISODE, K1_PER_TOKEN = "k1 as loss", "k1, sequence_mean", "k1, token_mean"
ROWS: Mapping[str, Row] = {
    K1: lambda s: (s.in_loss(jnp.ones_like(s.x)), NOTHING),
    K1_PER_EPISODE: lambda s: (s.in_loss(jnp.ones_like(s.x), PER_EPISODE), NOTHING),
    K1_PER_TOKEN: lambda s: (s.in_loss(jnp.ones_like(s.x), PER_TOKEN), NOTHING),
    "k1, sequence_mean, as grad E[1/l]": lambda s: (
        s.in_loss(jnp.ones_like(s.x), PER_EPISODE),
        s.inverse_tokens(1),
    ),
    "k1, token_mean, as grad E[1/N]": lambda s: (
        s.in_loss(jnp.ones_like(s.x), PER_TOKEN),
        s.inverse_tokens(GROUP_SIZE),
    ),
    "k1 in the reward": lambda s: (s.in_reward(), s.reverse()),
    "k2 as loss": lambda s: (s.in_loss(s.x), s.reverse()),
    "k3 as loss": lambda s: (s.in_loss(s.missing), s.forward()),
    # The ratio's own derivative adds the value, ref/pi - 1 + x.
    "ratio times k3, as k2": lambda s: (s.in_loss((s.x - s.missing) + s.missing), s.in_loss(s.x)),
    "k3+ as loss": lambda s: (s.in_loss(s.x), s.reverse()),
}
"""What an estimate's expected gradient is, and what it is taken for: KL(pi || ref)'s, of k3 as
loss KL(ref || pi)'s, of k1 as loss nothing, unless the row says otherwise."""
FALSE: Mapping[str, tuple[str, str, Row]] = {
    "forward": (
        "k1 in the reward",
        "k1 in the reward gives grad KL(ref || pi)",
        lambda s: (s.in_reward(), s.forward()),
    ),
    "no ratio": (
        "ratio times k3, as k2",
        "the ratio before k3 changes nothing",
        lambda s: (s.in_loss((s.x - s.missing) + s.missing), s.in_loss(s.missing)),
    ),
}
"""By name: the row it is a false version of, what it says, and its sides."""


def compared(row: Row, stops: int, **laws: Any) -> tuple[Any, Any]:
    """Both sides of a row, of each logit that a policy has."""
    at = side(stops, **laws)
    legal = np.nonzero(np.asarray(at.policy.legal))
    return tuple(jnp.broadcast_to(x, at.probs.shape)[legal] for x in row(at))  # type: ignore[return-value]


def sides(row: str, **point: Any) -> tuple[Any, Any]:
    """Expected gradient of the estimate, and of what it is taken for."""
    return compared(ROWS[row], **point)


def _misplaced(row: str, stops: int, **laws: Any) -> Decision | None:
    actions = len(laws["policy_first"])
    return unmet("more actions stop than there are") if stops > actions else None


def _logit(entry: int, stops: int, **point: Any) -> str:
    actions = len(point["policy_first"])
    if entry < actions:
        return f"logit of first action {entry}"
    action, answer = divmod(entry - actions, point["policy_second"].shape[1])
    return f"logit of answer {answer} after action {action}"


def _always(false: Row) -> Callable[..., tuple[Any, Any]]:
    def other(row: str, **point: Any) -> tuple[Any, Any]:
        return compared(false, **point)

    return other


def places(*rows: str) -> list[dict[str, Any]]:
    """Two actions, the last of which stops, and two answers after the first."""
    return [{"row": row, "actions": 2, "answers": 2, "stops": 1} for row in rows]


STATEMENT = Statement(
    sides,
    Domain(
        {
            f"{law}_{step}": simplex("actions", *more)
            for law in ("policy", "reference")
            for step, more in (("first", ()), ("second", ("answers",)))
        },
        options={"row": one_of(*ROWS), "stops": integer(0, 8, default=0)},
        places=places(*ROWS),
        most={"actions": 8, "answers": 8},
    ),
    "equal",
    mutants={name: (change, _always(row)) for name, (_, change, row) in FALSE.items()},
    exception=_misplaced,
    label=_logit,
)
