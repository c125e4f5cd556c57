"""All claims, in the order of the ledger. Adding one: a file in claims/ and a line here."""

import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

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
from theory.rationals import abridged

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
    """The claim with this identifier, or the ``CLAIM`` of a file of one's own (a path to a .py).

    Raises ValueError for an unknown one, or a file without one.
    """
    return _from_file(Path(name)) if name.endswith(".py") else listed(name)


def listed(name: Any) -> Claim:
    """The claim of the catalogue with this identifier. Raises ValueError for any other value."""
    for claim in CLAIMS:
        if claim.name == name:
            return claim
    known = tuple(c.name for c in CLAIMS)
    raise ValueError(f"claim = {abridged(name)}: expected one of {known}, or a .py file by hand")


def _from_file(path: Path) -> Claim:
    """Runs the file, as any import would, under a name that no other module has."""
    name = f"claim_file_{path.stem}"
    spec = spec_from_file_location(name, path)
    if not path.is_file() or spec is None or spec.loader is None:
        raise ValueError(f"claim = {str(path)!r}: no such file")
    module = module_from_spec(spec)
    # Its docstring is the proof sketch that ``explain`` looks up by the name of the module.
    sys.modules[name] = module
    spec.loader.exec_module(module)
    claim = getattr(module, "CLAIM", None)
    if not isinstance(claim, Claim):
        raise ValueError(f"{path}: CLAIM = {claim!r}: expected a Claim")
    return claim
