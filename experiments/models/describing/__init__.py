"""What a model is: its numbers at the start, and its graph as text, dot or SVG."""
