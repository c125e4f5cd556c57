"""Whether each theorem is true, in five sentences, for the verdicts that they were written for."""
