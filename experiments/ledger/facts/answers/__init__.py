"""Whether each theorem is true, in sentences, for the verdicts that they were written for."""
