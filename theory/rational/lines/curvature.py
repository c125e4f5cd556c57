"""How much J bends on a log-odds line, and what Theorem 1 loses there at every run (derived).

J'' = sum_q rho_q f_q^2 D_q p(1-p)(1-2p), D_q the difference of the two worths, and p(1-p)|1-2p| is
greatest at p = (1 +- 1/sqrt 3)/2: |J''| <= kappa = sum_q rho_q f_q^2 |D_q|/(6 sqrt 3), which one
prompt attains. With L = R_max diam^2/4 that is at most k L, k = 2/(3 sqrt 3) = .385. So the descent
lemma holds with kappa, and with s = eta L in (0, 1]:

- T1.path: bound - left >= (1 - k s) mean |m|^2 + s (1 - k) mean V. Its variance term alone can be
  lowered by a share 1 - k, 61.5 %, on every line and at every run: no cell refutes less.
- T1.rate: (2 - k s) left <= X + k s V_sup, X = 2 (J* - J_0)/(eta T). Where s < 1, s V_sup = X and
  the bound is (2 + s) X: left/bound <= (1 + k)/4, .346. Where s = 1, V_sup <= X, the bound is
  X + 2 sqrt(X V_sup), and left/bound <= 1/(2 - k), .619. No cell refutes less than 38 %.
"""

from flint import fmpq

from grpo_checks.theory.numbers.balls import Number, magnitude, root, total
from grpo_checks.theory.rational.lines.line import Line

SHARPEST = 2 / (3 * root(fmpq(3)))
"""k."""


def largest_curvature(line: Line) -> Number:
    """kappa >= |J''|."""
    parts = []
    for q, prompt in enumerate(line.prompts):
        first, second = line.worth(q)
        parts.append(prompt.chance * prompt.slope**2 * magnitude(first - second))
    return total(parts) / (6 * root(fmpq(3)))
