"""What the ledger says of claims whose files are full."""
