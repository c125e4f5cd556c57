"""Group-relative advantages and their exact law over groups."""
