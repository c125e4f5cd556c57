"""Models that people bring: written by hand in Python or a file, packaged, or from Gymnasium."""
