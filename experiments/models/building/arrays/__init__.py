"""From a written model to arrays: its layers, rewards, verifiers, policy."""
