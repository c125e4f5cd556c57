"""One GRPO update: mean, variance, potential, what it gains, how it is rounded."""
