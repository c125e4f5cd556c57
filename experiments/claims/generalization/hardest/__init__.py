"""Cells of Theorem 3 on problems that use up the price of each bound, by itself."""
