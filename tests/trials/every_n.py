"""T3.price for every number of tasks: more than a fifth of two logarithms is given away at KL = 0.

Prints the n where it is not proved: of McAllester's bound from 8 on (2n nats are the most there
are) up to 2,510, after which ln(1/delta) nats are below 4/5 of the price; of the recursive bound up
to 999, after which ln(2/delta) are. Then, at delta = 1/2, the least share of KL = 30 that the
lambda bound gives away, over numbers of tasks from 60 to 10^6. Some minutes.

    JAX_ENABLE_X64=1 PYTHONPATH=. python tests/trials/every_n.py
"""

import numpy as np

from grpo_checks.theory.generalization.adversary.enough import enough
from grpo_checks.theory.generalization.adversary.forms import LAMBDA, SQUARED
from grpo_checks.theory.generalization.adversary.own_prior import least_exponent
from grpo_checks.theory.generalization.adversary.panels import recursive_log
from grpo_checks.theory.generalization.maurer_constant import plain

DELTA, LEFT, RHO = 1e-8, 0.8, 8.0
DIVERGENCE, LEVEL = 30.0, 0.5


def mcallester(n: int) -> bool:
    """Whether 4/5 of ln(2 sqrt n/delta) are proved to be enough."""
    try:
        enough(SQUARED._replace(rho=RHO), n, DELTA, LEFT * float(np.log(plain(n) / DELTA)) / RHO)
    except ValueError:
        return False
    return True


def recursive(n: int) -> bool:
    """Whether 4/5 of ln(6 xi(n)/delta) are."""
    return least_exponent(n, LEFT * recursive_log(n, DELTA)) >= np.log(2 / DELTA)


def given_away(n: int) -> float:
    """The share of KL = 30 that is proved for the lambda bound; rho grows with n as g nears kl."""
    price = DIVERGENCE + float(np.log(plain(n) / LEVEL))
    rho = (0.8, 0.85, 0.9, 0.93, 0.95)[int(np.searchsorted((5e3, 4e4, 1.5e5, 4e5), n))]
    least = enough(LAMBDA._replace(rho=rho), n, LEVEL, price / rho - DIVERGENCE)
    return (price - rho * (DIVERGENCE + least)) / DIVERGENCE


if __name__ == "__main__":
    print("McAllester:", [n for n in range(8, 2511) if not mcallester(n)] or "all n")
    print("recursive:", [n for n in range(1, 1000) if not recursive(n)] or "all n")
    print("lambda:", min((given_away(int(n)), int(n)) for n in np.geomspace(60, 10**6, 50)))
