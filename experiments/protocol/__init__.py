"""What a claim is, what a row is, what a verdict rests on."""
