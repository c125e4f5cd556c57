"""The tool-augmented MDP, its policies, and the places an episode can be in."""
