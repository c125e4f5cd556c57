"""Exact quantities of one policy: values, gradients, optima, episodes."""
