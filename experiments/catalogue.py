"""All claims, in the order of the ledger. Adding one: a file in claims/ and a line here."""

from experiments.claim import Claim
from experiments.claims import (
    t1_bias,
    t1_budget,
    t1_k,
    t1_path,
    t1_rate,
    t1_slope,
    t2_benefit,
    t2_bridge,
    t2_gap,
    t2_identity,
    t2_kappa,
    t2_potential,
    t2_zero,
)

CLAIMS: tuple[Claim, ...] = (
    t1_rate.CLAIM,
    t1_path.CLAIM,
    t1_slope.CLAIM,
    t1_k.CLAIM,
    t1_budget.CLAIM,
    t1_bias.CLAIM,
    t2_identity.CLAIM,
    t2_bridge.BRIDGE,
    t2_bridge.CORRECTED,
    t2_potential.CLAIM,
    t2_gap.CLAIM,
    t2_kappa.CLAIM,
    t2_zero.CLAIM,
    t2_benefit.CLAIM,
)


def find(name: str) -> Claim:
    """The claim with this identifier. Raises ValueError for an unknown one."""
    for claim in CLAIMS:
        if claim.name == name:
            return claim
    raise ValueError(f"claim = {name!r}: expected one of {tuple(c.name for c in CLAIMS)}")
