"""Figures drawn from stored rows only."""
