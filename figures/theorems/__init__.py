"""Figures of the claims, by theorem."""
