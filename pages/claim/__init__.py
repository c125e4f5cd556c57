"""The page of one claim: its formula, its points, its cells."""
