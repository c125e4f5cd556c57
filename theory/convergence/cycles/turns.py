"""How often a path of three logits goes round a point."""

import numpy as np
from jaxtyping import Float


def angles(
    theta: Float[np.ndarray, "T 3"], centre: Float[np.ndarray, "3"]
) -> Float[np.ndarray, " T"]:
    """Around ``centre`` in the plane in which sums are 0, from the start, without jumps.

    Positive once the path has turned, whichever way; radians.
    """
    around = theta - theta.mean(1, keepdims=True) - (centre - centre.mean())
    # Two coordinates of the plane at right angles.
    x, y = around[:, 0] - around[:, 1], (around.sum(1) - 3 * around[:, 2]) / -np.sqrt(3)
    return np.abs(np.unwrap(np.arctan2(y, x)) - np.arctan2(y[0], x[0]))
