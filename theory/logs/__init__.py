"""What the rewards of a real run tell, with finite-sample limits: pure functions of arrays."""
