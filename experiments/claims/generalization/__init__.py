"""Theorem 3: one file a claim."""
