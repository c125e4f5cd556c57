"""Logs sampled from a model, and what is exactly true of them."""
