"""What a claim presupposes: in words, and, where it is about the model, as a check of the model."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from grpo_checks.experiments.models.instances import InstanceSpec, build
from grpo_checks.theory.evaluation.episode_listing import MAX_EPISODES, obstacle
from grpo_checks.theory.evaluation.influence import Influence, influence
from grpo_checks.theory.evaluation.reward_span import reward_spans, widest
from grpo_checks.theory.evaluation.tilting import has_no_chance
from grpo_checks.theory.updates.correlation import is_binary


@dataclass(frozen=True)
class Assumption:
    """One assumption; ``checked`` says where, if anywhere."""

    text: str
    unmet: Callable[[InstanceSpec], str | None] | None = None
    """Why a model breaks it, None where it does not; asked before a claim is put on a model."""
    in_cells: bool = False
    """Whether the claim's own rows say where it is unmet, cell by cell."""

    def broken_by(self, spec: InstanceSpec) -> str | None:
        """Why the model breaks it; None where it does not, or where no model can."""
        return None if self.unmet is None else self.unmet(spec)

    @property
    def checked(self) -> str:
        """ "of the model", "in every cell" or "not checked": about the estimator or the sample."""
        if self.unmet is not None:
            return "of the model"
        return "in every cell" if self.in_cells else "not checked"


def stated(*texts: str) -> tuple[Assumption, ...]:
    """Assumptions about the estimator, the step or the sample: no model can break them."""
    return tuple(map(Assumption, texts))


def in_cells(text: str) -> Assumption:
    """One that depends on policy, group size or step."""
    return Assumption(text, in_cells=True)


def only_on(family: str, why: str) -> Assumption:
    """The claim is about one family of named models."""
    return Assumption(f"on `{family}` only", lambda spec: None if spec.is_named(family) else why)


def not_on_models(why: str) -> Assumption:
    """The claim is not about a model that a user could bring."""
    return Assumption("decided without a model", lambda spec: why)


@lru_cache(maxsize=64)
def influence_on(spec: InstanceSpec) -> Influence:
    """What the policy class of a model can change, exactly."""
    instance = build(spec)
    return influence(instance.mdp, instance.policy)


def _asked(spec: InstanceSpec) -> Any:
    return np.asarray(build(spec).mdp.prompt_distribution) > 0


def nothing_to_learn(spec: InstanceSpec) -> str | None:
    """Why no claim about models has anything to say of this one; None where it may."""
    if influence_on(spec).law[_asked(spec)].any():
        return None
    return "nothing to learn: the law of rewards does not depend on the policy"


def _equal_values(spec: InstanceSpec) -> str | None:
    if influence_on(spec).value[_asked(spec)].any():
        return None
    return "J is the same for every policy of the class"


def _equal_tasks(spec: InstanceSpec) -> str | None:
    if influence_on(spec).tasks_differ(_asked(spec)):
        return None
    return "every policy does equally well on all tasks: any sample shows its risk"


GRADED = "a component has other rewards than 0 and 1: the update is no gradient of Jtilde"


def _graded(spec: InstanceSpec) -> str | None:
    return None if is_binary(build(spec).mdp) else GRADED


def _too_many(spec: InstanceSpec) -> str | None:
    instance = build(spec)
    return obstacle(instance.mdp, instance.policy) or None


def _random_environment(spec: InstanceSpec) -> str | None:
    why = "first state or tools are random: see L.tools"
    return None if has_no_chance(build(spec).mdp) else why


@lru_cache(maxsize=64)
def _narrow_law(spec: InstanceSpec) -> str | None:
    instance = build(spec)
    spans = reward_spans(instance.mdp, instance.policy)
    span = widest(spans)
    if span.composites < 3:
        return f"at most {span.composites} distinct composites at a prompt: E[g] is a gradient"
    missing = f"rank {span.rank} of the grad p(v) of {span.composites} composites"
    where = "" if len(spans) == 1 else " in parameters that no other prompt shares"
    return None if span.is_full else missing + where


def _one_prompt(spec: InstanceSpec) -> str | None:
    several = np.count_nonzero(build(spec).mdp.prompt_distribution) > 1
    return None if several else "one prompt: no gradients that could differ"


BINARY = Assumption("binary components", _graded)
TASKS_DIFFER = Assumption("tasks differ", _equal_tasks)
VALUES_DIFFER = Assumption("J depends on the policy", _equal_values)
LISTED = Assumption(f"at most {MAX_EPISODES} episodes, which are listed", _too_many)
NO_CHANCE = Assumption("first states and tool responses are certain", _random_environment)
MOVABLE_LAW = Assumption(
    "m >= 3 distinct composites at one prompt, whose grad p(v), in the parameters of this prompt "
    "alone, span m - 1 dimensions",
    _narrow_law,
)
SEVERAL_PROMPTS = Assumption("gradients differ between prompts", _one_prompt, in_cells=True)
INTERIOR = only_on("conflict", "stated for `conflict`, whose optimum is known to be interior")
ENCLOSED = only_on("conflict", "needs a zero of E[g], which is enclosed for `conflict`")
DIAL = only_on("bits", "needs a dial for the number of components and their correlation: `bits`")
STORED = not_on_models("rests on stored counterexamples of its own")
