"""Commands about trainers that others wrote."""
