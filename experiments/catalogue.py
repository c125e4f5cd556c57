"""All claims, in the order of the ledger. Adding one: a file in claims/ and a line here."""

from experiments.claim import Claim
from experiments.claims import (
    literature_amplification,
    literature_convergence,
    literature_correlation,
    literature_gradient,
    literature_groups,
    literature_mse,
    literature_pairs,
    t1_bias,
    t1_budget,
    t1_curl,
    t1_floor,
    t1_g,
    t1_k,
    t1_path,
    t1_rate,
    t1_slope,
    t1_surrogate,
    t2_benefit,
    t2_bridge,
    t2_gap,
    t2_identity,
    t2_kappa,
    t2_potential,
    t2_zero,
    t3_coverage,
    t3_depth,
    t3_ood,
    t3_shift,
    t3_tightness,
    t3_visual_arft,
)

CLAIMS: tuple[Claim, ...] = (
    t1_rate.CLAIM,
    t1_path.CLAIM,
    t1_slope.CLAIM,
    t1_g.CLAIM,
    t1_k.CLAIM,
    t1_budget.CLAIM,
    t1_bias.CLAIM,
    t1_floor.CLAIM,
    t1_curl.CLAIM,
    t1_surrogate.CLAIM,
    t2_identity.CLAIM,
    t2_bridge.BRIDGE,
    t2_bridge.CORRECTED,
    t2_potential.CLAIM,
    t2_gap.CLAIM,
    t2_kappa.CLAIM,
    t2_zero.CLAIM,
    t2_benefit.CLAIM,
    t3_coverage.CLAIM,
    t3_tightness.CLAIM,
    t3_ood.CLAIM,
    t3_depth.CLAIM,
    t3_shift.SHIFT_CLAIM,
    t3_shift.ORDER_CLAIM,
    t3_visual_arft.CLAIM,
    literature_amplification.AMPLIFICATION,
    literature_amplification.TOOLS,
    literature_convergence.CLAIM,
    literature_gradient.CONTRAST,
    literature_gradient.HESSIAN,
    literature_mse.MSE,
    literature_mse.BASELINE,
    literature_correlation.LIMIT,
    literature_correlation.LAW,
    literature_pairs.CLAIM,
    literature_groups.CLAIM,
)


def find(name: str) -> Claim:
    """The claim with this identifier. Raises ValueError for an unknown one."""
    for claim in CLAIMS:
        if claim.name == name:
            return claim
    raise ValueError(f"claim = {name!r}: expected one of {tuple(c.name for c in CLAIMS)}")
