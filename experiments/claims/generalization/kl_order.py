"""T3.klorder: data processing with the order of the laws swapped.

Statement: kl(L_T ‖ L_S) <= KL(D_S ‖ D_T) for the risks of any policy under two laws of task types.
Proof: false; stored points refute it. With KL(D_T ‖ D_S) it is the data processing inequality,
which T3.ood rests on.
Source: derived, as a warning: the order is easily swapped.
Units: nats.
"""

from typing import Any

from grpo_checks.experiments.falsifier.constraints import interval, simplex
from grpo_checks.experiments.falsifier.domain import Domain
from grpo_checks.experiments.falsifier.statement import Statement
from grpo_checks.experiments.protocol.assumptions import STORED, stated
from grpo_checks.experiments.protocol.claim import Claim
from grpo_checks.theory.numbers.kl import binary_kl, kl_divergence
from grpo_checks.theory.numbers.logs import as_powers, binary_divergence, divergence


def sides(source: Any, target: Any, loss: Any) -> tuple[Any, Any]:
    """kl(L_T ‖ L_S) and KL(D_S ‖ D_T)."""
    return binary_kl(loss @ target, loss @ source), kl_divergence(source, target)


def _in_powers(source: Any, target: Any, loss: Any) -> str:
    return as_powers(binary_divergence(loss @ target, loss @ source), divergence(source, target))


STATEMENT = Statement(
    sides,
    Domain(
        {
            "source": simplex("types"),
            "target": simplex("types", support=False),
            "loss": interval("types"),
        },
        places=[{"types": n} for n in (2, 3)],
    ),
    note=_in_powers,
)
CLAIM = Claim(
    name="T3.klorder",
    statement="kl(L_T, L_S) <= KL(D_S, D_T): data processing with the order swapped",
    provenance="derived",
    expected="refuted",
    proof=("grpo_checks.theory.generalization.transfer",),
    assumptions=(STORED, *stated("losses in [0, 1]")),
    rows=lambda scope, results: [],
    exact=STATEMENT.exact(),
)
