"""The instance `conflict` in rational numbers."""

from flint import fmpq

from grpo_checks.theory.rational.lines.line import Line, Prompt


def conflict_line() -> Line:
    """``theory.instances.conflict`` with one component; x = ln of the odds."""
    success, failure = (((fmpq(1), (fmpq(r),)),) for r in (1, 0))
    prompts = tuple(Prompt(fmpq(1, 2), slope, (success, failure)) for slope in (1, -2))
    return Line(prompts, (fmpq(1),))
