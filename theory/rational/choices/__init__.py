"""Models with one decision: groups listed, updates and their laws as rational numbers."""
