"""What is run: instances, settings, constants."""
