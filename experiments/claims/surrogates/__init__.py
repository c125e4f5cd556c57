"""Theorem 2 on one group of samples: joint and decomposed surrogates; one file a claim."""
