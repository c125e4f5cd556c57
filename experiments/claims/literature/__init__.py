"""What papers beside the abstract say: one file a claim."""
