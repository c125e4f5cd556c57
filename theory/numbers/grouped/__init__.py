"""Rows that belong to groups by their labels: what is summed over a group, with NumPy."""
