"""Points of claims that people act on."""
