"""Learning problems of Theorem 3: tasks are the prompts of an instance, policies a fixed class."""

from dataclasses import dataclass
from functools import lru_cache
from math import comb

import numpy as np

from grpo_checks.experiments.models.instances import InstanceSpec, build, named
from grpo_checks.experiments.protocol.claim import Scope
from grpo_checks.theory.generalization.coverage import Coverage, coverage
from grpo_checks.theory.generalization.learning import (
    Learning,
    deterministic_policies,
    merged,
    policy_losses,
    sampled_policies,
)
from grpo_checks.theory.generalization.split_prior import NAMES, split_coverage
from grpo_checks.theory.mdp.policy import Tabular

POLICIES = 50
TEMPERATURES = (0.1, 1.0, 10.0)
DELTAS = (0.01, 0.05, 0.2)
# Count vectors of one cell; the 3.5 million of n = 50 with 6 types have a line of their own.
LARGEST = 300_000


@dataclass(frozen=True)
class ProblemSpec:
    """An instance with a class of policies: 50 sampled softmax ones, or all deterministic ones."""

    instance: InstanceSpec
    deterministic: bool = False

    def parameters(self) -> dict[str, object]:
        """The columns that tell this problem from others in a table."""
        problem = build_problem(self)
        policies, types = problem.loss.shape
        kind = "deterministic" if self.deterministic else "sampled"
        return {"types": types, "policies": policies, "policy_class": kind}


@lru_cache(maxsize=32)
def build_problem(spec: ProblemSpec) -> Learning:
    """Exact losses of every policy of the class on every prompt, uniform prior."""
    instance = build(spec.instance)
    mdp, policy = instance.mdp, instance.policy
    if spec.deterministic:
        assert isinstance(policy, Tabular)
        losses = policy_losses(mdp, deterministic_policies(mdp, policy))
    else:
        losses = policy_losses(mdp, sampled_policies(policy, POLICIES))
    problem = Learning(np.asarray(losses), np.asarray(mdp.prompt_distribution))
    return merged(problem) if spec.deterministic else problem


@lru_cache(maxsize=512)
def exact(
    spec: ProblemSpec, n: int, temperature: float, deltas: tuple[float, ...] = DELTAS
) -> Coverage:
    """Exact coverage of all bounds; shared by the claims of one command."""
    return coverage(build_problem(spec), n, temperature, deltas)


def specialists(types: int = 3, deterministic: bool = False) -> ProblemSpec:
    """The problem most of Theorem 3 is shown on."""
    return ProblemSpec(named("specialists", components=1, types=types), deterministic)


def problems(scope: Scope) -> list[ProblemSpec]:
    """Of a profile, or of the one instance that was asked for."""
    if scope.instance is not None:
        return [ProblemSpec(scope.instance)]
    specs = [specialists(), ProblemSpec(named("conflict", components=1))]
    if scope.profile == "paper":
        specs += [ProblemSpec(named(name, components=3)) for name in ("search", "coding")]
        specs.append(ProblemSpec(named("random", components=2, prompts=3)))
    return specs


def feasible(spec: ProblemSpec, sizes: tuple[int, ...]) -> list[int]:
    """The sample sizes whose count vectors can be listed in a moment."""
    types = build_problem(spec).loss.shape[1]
    return [n for n in sizes if comb(n + types - 1, types - 1) <= LARGEST]


def learned_priors(problem: Learning, n: int, temperature: float, delta: float) -> dict[str, float]:
    """Tightness with a prior from a tenth and from half of the tasks, on the same posterior."""
    ratios_by_prior: dict[str, float] = {}
    for share in (10, 2):
        first = n // share
        split = split_coverage(problem, first, n - first, temperature, delta)
        ratios = split.mean_offset / split.oracle_offset
        for name, ratio in zip(NAMES[1:], ratios[1:], strict=True):
            ratios_by_prior[f"tightness {name} 1/{share}"] = float(ratio)
    return ratios_by_prior
