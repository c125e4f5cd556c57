"""T3.shift in balls: a transfer bound whose shift term is divided by sqrt n, and the one undivided.

The smallest case: one policy that fails on the hard type and only there, so that KL(Q ‖ P) = 0,
L_S = D_S(hard) = h, L_T = 1 where the target is all hard, and KL(D_T ‖ D_S) = ln(1/h).
"""

from flint import fmpq

from grpo_checks.theory.numbers.balls import Number, root
from grpo_checks.theory.numbers.counts import check_tasks
from grpo_checks.theory.numbers.logs import divergence
from grpo_checks.theory.rational.tasks.bounds import Rule, mcallester_value
from grpo_checks.theory.rational.tasks.divergences import above
from grpo_checks.theory.rational.tasks.tasks import Tasks


def hard_task(n: int, hard: fmpq, delta: fmpq) -> Tasks:
    """The smallest case. Raises ValueError, naming the field, for what is outside its range."""
    check_tasks(n)
    for field, value in (("hard", hard), ("delta", delta)):
        if not 0 < value < 1:
            raise ValueError(f"{field} = {value}: expected a fraction in (0, 1)")
    zero, one = fmpq(0), fmpq(1)
    return Tasks(n, delta, (1 - hard, hard), (zero, one), ((zero, one),), (one,), one)


def shift_term(tasks: Tasks, rooted: bool = True) -> Number | None:
    """sqrt(KL(D_T ‖ D_S)/2), over sqrt n if ``rooted``; None for infinity.

    ``rooted`` is the equation as reported (T3.shift); without it the term is Pinsker's.
    """
    nats = divergence(tasks.target, tasks.source)
    return None if nats is None else root(nats.value / (2 * tasks.n if rooted else 2))


def shift_rule(term: Number) -> Rule:
    """McAllester's bound plus the shift term."""
    return lambda seen, n, delta: above(seen.risk, mcallester_value(seen, n, delta) + term)
