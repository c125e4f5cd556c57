"""Rationals, balls, square roots and counts; what is read from a document and checked."""
