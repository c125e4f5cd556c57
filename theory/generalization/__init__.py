"""Theorem 3: PAC-Bayes bounds, their exact coverage, transfer."""
