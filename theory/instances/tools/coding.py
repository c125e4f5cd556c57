"""`coding`: write a program, run it, hand it in. Everything is observed, tasks are distinct.

Depth 2. `write` always gives a draft; `run` decides whether it passes (3/5 on the easy task, 2/5 on
the hard one), fails (the rest) or crashes (1/10); a malformed call, or a run without a program, is
a failed call. A tabular policy factorises over prompts here, so J* is exact.
"""

from fractions import Fraction
from typing import NamedTuple

from grpo_checks.theory.instances.instance import Instance
from grpo_checks.theory.mdp.builder import build
from grpo_checks.theory.mdp.policy import Tabular

COMPONENTS = ("format", "accuracy", "executability", "tested", "brevity", "calibration")
PASS = {"easy": Fraction(3, 5), "hard": Fraction(2, 5)}
CRASH = Fraction(1, 10)


class _State(NamedTuple):
    prompt: str
    layer: int
    program: str
    clean: bool


def _respond(state: _State, tool: str) -> list[tuple[_State, Fraction]]:
    below = state._replace(layer=state.layer + 1)
    failed = below._replace(clean=False)
    if tool == "write":
        return [(below._replace(program="draft"), Fraction(1))]
    if tool == "run" and state.program == "draft":
        passes = PASS[state.prompt]
        return [
            (below._replace(program="passed"), passes),
            (below._replace(program="failed"), 1 - passes - CRASH),
            (failed, CRASH),
        ]
    return [(failed, Fraction(1))]


def _score(state: _State, answer: str) -> tuple[Fraction, ...]:
    formed, submitted = answer != "malformed", answer == "submit"
    right = submitted and state.program == "passed"
    declined = answer == "decline"
    called = state.layer > 0 and state.clean
    calibration = Fraction(1) if right else Fraction(1, 2) if declined else Fraction(0)
    flags = (formed, right, called, state.program in ("passed", "failed"), state.layer <= 1)
    return (*(Fraction(int(f)) for f in flags), calibration)


def coding(components: int = 3) -> Instance:
    """The instance with the first ``components`` of COMPONENTS, unit weights, uniform start."""
    mdp, _ = build(
        prompts={"easy": Fraction(1, 2), "hard": Fraction(1, 2)},
        start=lambda q: _State(q, 0, "none", True),
        tools=("write", "run", "malformed call"),
        respond=_respond,
        answers=("submit", "decline", "malformed"),
        score=lambda q, s, y: _score(s, y)[:components],
        weights=[1] * components,
        depth=2,
    )
    policy = Tabular(mdp)
    return Instance("coding", mdp, policy, policy.zeros())
