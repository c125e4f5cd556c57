"""Claims that people act on when they set up a trainer: one file a claim."""
