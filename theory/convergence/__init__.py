"""Theorems 1 and 2 as functions of numbers, their constants, confidence limits."""
