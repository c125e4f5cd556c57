"""A price of length as one more component of the reward."""

import numpy as np
import pytest

from grpo_checks.theory.instances.tools.search import search
from grpo_checks.theory.regularisation.overlong import overlong, punishment


def test_price_of_each_length():
    """DAPO's: L = 6 with a cache of 4; by hand."""
    prices = [float(punishment(length, 6, 4)) for length in range(1, 9)]
    assert prices == [0.0, 0.0, -0.25, -0.5, -0.75, -1.0, -1.0, -1.0]


def test_model_earns_its_rewards_and_the_price():
    """Composite rewards are a constant above the old ones less the price of their lengths."""
    mdp = search().mdp
    priced = overlong(mdp, 3, 2, weight=0.5, offset=1)
    depth = np.broadcast_to(np.asarray(mdp.depth)[None, :, None], mdp.class_index.shape)
    old, new = (np.asarray(m.class_composite[m.class_index]) for m in (mdp, priced))
    expected = np.vectorize(lambda d: 0.5 * float(1 + punishment(int(d) + 2, 3, 2)))(depth)
    reached = new > 0
    assert reached.any()
    np.testing.assert_allclose((new - old)[reached], expected[reached], rtol=0, atol=1e-14)
    assert len({*expected[reached].tolist()}) > 1
    assert priced.weights.size == mdp.weights.size + 1


@pytest.mark.parametrize("cache", [0, 4])
def test_bad_cache_is_refused(cache):
    """A price that rises at once, or from before the first token."""
    with pytest.raises(ValueError, match=f"cache = {cache}: expected 1..3"):
        overlong(search().mdp, 3, cache)
