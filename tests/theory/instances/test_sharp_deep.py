"""First-order points near T2.kappa's bound: their values by a sweep, and no policy that climbs."""

import jax
import numpy as np
import pytest

from grpo_checks.theory.estimators.response import response
from grpo_checks.theory.evaluation.optimum import best_values
from grpo_checks.theory.instances.sharp_deep import MIXTURE, deep_sharp
from grpo_checks.theory.mdp.padding import policy_values

PLACES = [(2, 0), (3, 3), (4, 1)]


@pytest.mark.parametrize(("components", "depth"), PLACES)
def test_values_and_slopes(components, depth):
    """p by a forward sweep of the policy; phi = 0 by backward induction, and no step gains."""
    point, size = deep_sharp(8, components, depth), 8
    mdp = point.mdp
    probs = np.asarray(mdp.legal, float)
    both = probs[:, -2:].sum(1) > 1
    probs[both, -2:] = float(MIXTURE), 1 - float(MIXTURE)
    success = jax.jit(policy_values)(mdp, probs)
    assert mdp.max_depth == depth
    np.testing.assert_allclose(success[0], point.success, rtol=1e-13)
    steep = point.weights * np.asarray(response(success[0], size))
    np.testing.assert_allclose(steep, 1, rtol=1e-12)
    best = float(best_values(mdp, mdp.reward @ steep)[0])
    assert best == pytest.approx(float(success[0] @ steep), rel=1e-13)


def test_other_sizes_are_refused():
    """Two, three or four components."""
    with pytest.raises(ValueError, match="components = 5, depth = 0: expected 2, 3 or 4"):
        deep_sharp(8, 5, 0)
