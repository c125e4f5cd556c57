"""Theorem 2 where policies share parameters; one file a claim."""
