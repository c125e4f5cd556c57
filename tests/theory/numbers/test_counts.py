"""Count vectors: all of them, once, in order, from any place; probabilities that sum to 1."""

from itertools import product

import numpy as np
import pytest
from scipy.stats import multinomial

from grpo_checks.theory.numbers.counts import count_vectors, log_chances, n_vectors


@pytest.mark.parametrize(("n", "types"), [(1, 1), (7, 1), (4, 2), (5, 3), (3, 5)])
def test_all_vectors_in_order(n, types):
    """Against filtering a grid, which is in lexicographic order already."""
    brute = [c for c in product(range(n + 1), repeat=types) if sum(c) == n]
    vectors = count_vectors(n, types)
    assert [tuple(c) for c in vectors.tolist()] == brute
    assert n_vectors(n, types) == len(brute)


def test_pieces_are_parts_of_the_whole():
    """Any piece is what a slice of the whole list is."""
    vectors = count_vectors(12, 4)
    pieces = [count_vectors(12, 4, i, i + 37) for i in range(0, len(vectors), 37)]
    np.testing.assert_array_equal(np.concatenate(pieces), vectors)


@pytest.mark.parametrize("chance", [[0.5, 0.3, 0.2], [1.0, 0.0, 0.0], [0.98, 0.01, 0.01]])
def test_probabilities(chance):
    """SciPy's multinomial; the sum at n = 200 is 1 to 1e-12."""
    counts = count_vectors(9, 3)
    expected = multinomial.pmf(counts, 9, chance)
    np.testing.assert_allclose(np.exp(log_chances(counts, np.array(chance))), expected, rtol=1e-12)
    many = np.exp(log_chances(count_vectors(200, 3), np.array(chance)))
    assert many.sum() == pytest.approx(1, abs=1e-12)


def test_bad_input():
    """Too many vectors are refused with their number; so are nonsense sizes."""
    with pytest.raises(ValueError, match="expected at most"):
        n_vectors(1000, 9)
    with pytest.raises(ValueError, match="types = 0"):
        n_vectors(5, 0)
    with pytest.raises(ValueError, match="n = 0"):
        count_vectors(0, 2)
