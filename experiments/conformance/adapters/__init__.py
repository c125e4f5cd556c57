"""Scripts that a trainer's own Python runs: they know NumPy, the trainer and one another."""
