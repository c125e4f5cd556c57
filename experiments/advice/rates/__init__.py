"""Pass rates as a user writes them, and the model that they make."""
