"""What the ledger says of several claims at once, and of the verifier."""
