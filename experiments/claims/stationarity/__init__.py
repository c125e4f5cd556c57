"""Theorem 1: one file a claim."""
