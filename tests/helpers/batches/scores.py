"""How far sampled moments of an update lie from exact ones."""

import numpy as np


def standard_scores(sampled, mean, variance):
    """Standard scores of all components of the mean and of V; a constant must be exact."""
    off = np.append(np.asarray(sampled.mean) - mean, float(sampled.variance) - variance)
    error = np.append(sampled.mean_error, sampled.variance_error)
    still = error < 1e-12
    assert np.abs(off[still]).max(initial=0) < 1e-9
    return np.abs(off[~still] / error[~still])
