"""Claims of this subject at rational points."""
