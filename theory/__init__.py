"""Definitions and theorems: pure functions of arrays, with no files, clock, plots or printing."""
