"""All claims, in the order of the ledger. Adding one: a file in claims/ and a line here."""

import sys
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from pkgutil import walk_packages
from typing import Any

import grpo_checks.experiments.claims as package
from grpo_checks.experiments.claims.benefit import claim as t2_benefit
from grpo_checks.experiments.claims.cycles import own as t1_own
from grpo_checks.experiments.claims.cycles import own_binary as t1_own_binary
from grpo_checks.experiments.claims.cycles import ring_bound as t1_cycle
from grpo_checks.experiments.claims.decomposition import gap as t2_gap
from grpo_checks.experiments.claims.decomposition import kappa as t2_kappa
from grpo_checks.experiments.claims.decomposition import potential as t2_potential
from grpo_checks.experiments.claims.decomposition import zero as t2_zero
from grpo_checks.experiments.claims.generalization import coverage as t3_coverage
from grpo_checks.experiments.claims.generalization import depth as t3_depth
from grpo_checks.experiments.claims.generalization import kl_order
from grpo_checks.experiments.claims.generalization import ood as t3_ood
from grpo_checks.experiments.claims.generalization import shift as t3_shift
from grpo_checks.experiments.claims.generalization import tightness as t3_tightness
from grpo_checks.experiments.claims.generalization import visual_arft as t3_visual_arft
from grpo_checks.experiments.claims.literature import amplification as literature_amplification
from grpo_checks.experiments.claims.literature import baseline as literature_baseline
from grpo_checks.experiments.claims.literature import contrast as literature_contrast
from grpo_checks.experiments.claims.literature import convergence as literature_convergence
from grpo_checks.experiments.claims.literature import groups as literature_groups
from grpo_checks.experiments.claims.literature import hessian as literature_hessian
from grpo_checks.experiments.claims.literature import mse as literature_mse
from grpo_checks.experiments.claims.literature import tools as literature_tools
from grpo_checks.experiments.claims.literature.correlation import law as correlation_law
from grpo_checks.experiments.claims.literature.correlation import limit as correlation_limit
from grpo_checks.experiments.claims.literature.correlation import pairs as correlation_pairs
from grpo_checks.experiments.claims.policy_classes import global_maximum as t2_global
from grpo_checks.experiments.claims.policy_classes import shared as t2_shared
from grpo_checks.experiments.claims.practice import kl as practice_kl
from grpo_checks.experiments.claims.stationarity import bias as t1_bias
from grpo_checks.experiments.claims.stationarity import budget as t1_budget
from grpo_checks.experiments.claims.stationarity import components as t1_k
from grpo_checks.experiments.claims.stationarity import curl as t1_curl
from grpo_checks.experiments.claims.stationarity import floor as t1_floor
from grpo_checks.experiments.claims.stationarity import group_size as t1_g
from grpo_checks.experiments.claims.stationarity import path as t1_path
from grpo_checks.experiments.claims.stationarity import rate as t1_rate
from grpo_checks.experiments.claims.stationarity import slope as t1_slope
from grpo_checks.experiments.claims.stationarity import surrogate as t1_surrogate
from grpo_checks.experiments.claims.stationarity.sharp import descent as t1_descent
from grpo_checks.experiments.claims.stationarity.sharp import rate as t1_rate_sharp
from grpo_checks.experiments.claims.surrogates import bridge as t2_bridge
from grpo_checks.experiments.claims.surrogates import corrected_bridge, spread_bridge
from grpo_checks.experiments.claims.surrogates import identity as t2_identity
from grpo_checks.experiments.protocol.claim import Claim
from grpo_checks.experiments.protocol.claim_file import from_file
from grpo_checks.experiments.storage.text import meant
from grpo_checks.theory.numbers.rationals import abridged

CLAIMS: tuple[Claim, ...] = (
    t1_rate.CLAIM,
    t1_rate_sharp.CLAIM,
    t1_path.CLAIM,
    t1_descent.CLAIM,
    t1_slope.CLAIM,
    t1_g.CLAIM,
    t1_k.CLAIM,
    t1_budget.CLAIM,
    t1_bias.CLAIM,
    t1_floor.CLAIM,
    t1_curl.CLAIM,
    t1_surrogate.CLAIM,
    t1_own.CLAIM,
    t1_own_binary.CLAIM,
    t1_cycle.CLAIM,
    t2_identity.CLAIM,
    t2_bridge.CLAIM,
    corrected_bridge.CLAIM,
    spread_bridge.CLAIM,
    t2_potential.CLAIM,
    t2_gap.CLAIM,
    t2_kappa.CLAIM,
    t2_zero.CLAIM,
    t2_global.CLAIM,
    t2_shared.CLAIM,
    t2_benefit.CLAIM,
    t3_coverage.CLAIM,
    t3_tightness.CLAIM,
    t3_ood.CLAIM,
    t3_depth.CLAIM,
    t3_shift.CLAIM,
    kl_order.CLAIM,
    t3_visual_arft.CLAIM,
    literature_amplification.CLAIM,
    literature_tools.CLAIM,
    literature_convergence.CLAIM,
    literature_contrast.CLAIM,
    literature_hessian.CLAIM,
    literature_mse.CLAIM,
    literature_baseline.CLAIM,
    correlation_limit.CLAIM,
    correlation_law.CLAIM,
    correlation_pairs.CLAIM,
    literature_groups.CLAIM,
    practice_kl.CLAIM,
)


def find(name: str) -> Claim:
    """The claim with this identifier, or the ``CLAIM`` of a file of one's own (a path to a .py).

    Raises ValueError for an unknown one, or a file without one.
    """
    if not name.endswith(".py"):
        return listed(name)
    claim = from_file(Path(name))
    _check_name(claim, Path(name))
    return claim


def listed(name: Any) -> Claim:
    """The claim of the catalogue with this identifier. Raises ValueError for any other value."""
    for claim in CLAIMS:
        if claim.name == name:
            return claim
    known = tuple(c.name for c in CLAIMS)
    nearest = meant(name, known) if isinstance(name, str) else ""
    expected = f"expected one of {known}, or a .py file (--claim FILE.py)"
    raise ValueError(f"claim = {abridged(name)}: {nearest}{expected}")


def _family(name: str) -> list[str]:
    """The names that a prefix stands for: T2 for all of Theorem 2, a claim's name for itself."""
    known = [claim.name for claim in CLAIMS]
    family = [other for other in known if other.startswith(f"{name}.")]
    return family if family and name not in known else [name]


def chosen(names: Sequence[str] | None) -> dict[str, Claim]:
    """The claims named, each once, by what they were called; all of them where none is named.

    A prefix up to a dot names all claims that have it.

    Raises ValueError where a claim of ``experiments.claims`` is not in the catalogue, or where two
    of the files named call their claims the same.
    """
    if not names:
        _check_complete()
        return {claim.name: claim for claim in CLAIMS}
    every = [other for name in names for other in _family(name)]
    places = {str(Path(n).resolve()) if n.endswith(".py") else n: n for n in reversed(every)}
    claims = {name: find(name) for name in reversed(places.values())}
    called = [claim.name for claim in claims.values()]
    if twice := {name for name in called if called.count(name) > 1}:
        raise ValueError(f"claim = {list(claims)}: expected one of the name {twice.pop()!r}")
    return claims


def _check_complete() -> None:
    """Whether every claim that is made in a file of claims/ is listed, once."""
    called = [claim.name for claim in CLAIMS]
    modules = walk_packages(package.__path__, f"{package.__name__}.")
    names = [module.name for module in modules]
    values = [value for name in names for value in vars(import_module(name)).values()]
    missing = {value.name for value in values if isinstance(value, Claim)} - {*called}
    if missing or len({*called}) < len(called):
        lacks = f"{len(missing)} are missing: {', '.join(sorted(missing))}"
        raise ValueError(f"catalogue = {len(called)} claims: expected each claim once, {lacks}")


def _check_name(claim: Claim, path: Path) -> None:
    """A name of the catalogue is that of its own file, whose stored cases and rows go with it."""
    for known in CLAIMS:
        file = getattr(sys.modules.get(known.origin.module), "__file__", None) or ""
        if known.name == claim.name and Path(file).resolve() != path.resolve():
            taken = f"CLAIM.name = {claim.name!r}: expected a name that is not taken"
            raise ValueError(f"{path}: {taken}")
