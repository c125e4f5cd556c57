"""Correlations of rewards with advantages (arXiv:2509.22047)."""
