"""`search`: find the page that answers the question; without it, the questions look alike.

Depth 3. Tools: `query` (succeeds 4/5 of the time), `read` (9/10, needs results), and a malformed
call, which always fails. A failed call leaves the agent where it was, but its record is no longer
clean. Only evidence from a page tells the two questions apart, so until then the policy has one
observation for both: prompts share parameters although they share no state.
"""

from fractions import Fraction
from typing import NamedTuple

import numpy as np

from grpo_checks.theory.instances.instance import Instance
from grpo_checks.theory.mdp.builder import build
from grpo_checks.theory.mdp.policy import Tabular

COMPONENTS = ("format", "accuracy", "executability", "grounding", "brevity", "overlap")


class _State(NamedTuple):
    prompt: int
    layer: int
    knowledge: str
    clean: bool


def _respond(state: _State, tool: str) -> list[tuple[_State, Fraction]]:
    below = state._replace(layer=state.layer + 1)
    failed = below._replace(clean=False)
    if tool == "query":
        success = below if state.knowledge == "evidence" else below._replace(knowledge="results")
        return [(success, Fraction(4, 5)), (failed, Fraction(1, 5))]
    if tool == "read" and state.knowledge != "none":
        return [(below._replace(knowledge="evidence"), Fraction(9, 10)), (failed, Fraction(1, 10))]
    return [(failed, Fraction(1))]


def _score(prompt: int, state: _State, answer: str) -> tuple[Fraction, ...]:
    formed, right = answer != "malformed", answer == f"answer {prompt}"
    grounded = formed and state.knowledge == "evidence"
    overlap = Fraction(1) if right else Fraction(1, 2) if grounded else Fraction(0)
    called = state.layer > 0 and state.clean
    flags = (formed, right, called, grounded, state.layer <= 2)
    return (*(Fraction(int(f)) for f in flags), overlap)


def search(components: int = 3) -> Instance:
    """The instance with the first ``components`` of COMPONENTS, unit weights, uniform start."""
    mdp, states = build(
        prompts={0: Fraction(3, 5), 1: Fraction(2, 5)},
        start=lambda q: _State(q, 0, "none", True),
        tools=("query", "read", "malformed call"),
        respond=_respond,
        answers=("answer 0", "answer 1", "malformed"),
        score=lambda q, s, y: _score(q, s, y)[:components],
        weights=[1] * components,
        depth=3,
    )
    seen = [s if s.knowledge == "evidence" else s._replace(prompt=-1) for s in states]  # type: ignore[attr-defined]
    observation = np.unique([str(s) for s in seen], return_inverse=True)[1]
    policy = Tabular(mdp, observation)
    return Instance("search", mdp, policy, policy.zeros())
