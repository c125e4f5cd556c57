"""Where violations are looked for: ascent, rounding, shrinking."""
