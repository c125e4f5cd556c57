"""Theorem 1 for std-normalised GRPO: runs that go round."""
