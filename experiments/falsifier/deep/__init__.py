"""Models with prompts, layers of states and tools, as points that a falsifier climbs and rounds."""
