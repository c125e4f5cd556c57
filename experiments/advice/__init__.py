"""Which estimator and group size for a model."""
