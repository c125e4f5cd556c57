"""Rational points of claims: how each claim is decided there, and where a falsifier looks."""
