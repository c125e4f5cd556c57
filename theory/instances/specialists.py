"""`specialists`: task types that look alike until a tool tells them apart, each with its method.

Depth 1. `inspect` shows the type 4/5 of the time. Without it, or in vain, one observation stands
for all types, so that a policy that does not inspect can solve one type at best: a specialist. The
types are not equally likely (rho_q proportional to N - q): a small sample may miss one.
"""

from fractions import Fraction
from typing import NamedTuple

import numpy as np

from grpo_checks.theory.instances.instance import Instance
from grpo_checks.theory.mdp.builder import build
from grpo_checks.theory.mdp.policy import Tabular

COMPONENTS = ("accuracy", "format", "executability")
SHOWN = Fraction(4, 5)
MAX_TYPES = 20


class _State(NamedTuple):
    prompt: int
    layer: int
    seen: bool


def _respond(state: _State, tool: str) -> list[tuple[_State, Fraction]]:
    below = state._replace(layer=state.layer + 1)
    return [(below._replace(seen=True), SHOWN), (below, 1 - SHOWN)]


def _score(prompt: int, state: _State, answer: str) -> tuple[Fraction, ...]:
    flags = (answer == f"method {prompt}", answer != "malformed", state.seen)
    return tuple(Fraction(int(f)) for f in flags)


def specialists(components: int = 1, types: int = 3) -> Instance:
    """The instance with ``types`` in 1..20 task types, uniform start.

    Raises ValueError for another number of types or for components outside 1..3.
    """
    if not 1 <= types <= MAX_TYPES:
        raise ValueError(f"types = {types}: expected 1..{MAX_TYPES}")
    if not 1 <= components <= len(COMPONENTS):
        raise ValueError(f"components = {components}: expected 1..{len(COMPONENTS)}")
    total = types * (types + 1) // 2
    mdp, states = build(
        prompts={q: Fraction(types - q, total) for q in range(types)},
        start=lambda q: _State(q, 0, False),
        tools=("inspect",),
        respond=_respond,
        answers=(*(f"method {q}" for q in range(types)), "malformed"),
        score=lambda q, s, y: _score(q, s, y)[:components],
        weights=[1] * components,
        depth=1,
    )
    looks = [s if s.seen else s._replace(prompt=-1) for s in states]  # type: ignore[attr-defined]
    observation = np.unique([str(s) for s in looks], return_inverse=True)[1]
    policy = Tabular(mdp, observation)
    return Instance("specialists", mdp, policy, policy.zeros())
