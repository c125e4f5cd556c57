"""Tasks drawn at random: divergences, shifts and bounds as rational numbers."""
