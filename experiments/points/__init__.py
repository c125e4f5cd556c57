"""Claims at rational points: how each is decided, and where a falsifier looks."""
