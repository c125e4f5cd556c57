"""Theorem 2: one file a claim."""
