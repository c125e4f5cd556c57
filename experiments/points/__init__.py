"""Claims at rational points: how each is decided there, and where the falsifier looks."""
