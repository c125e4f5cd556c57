"""Parts of the ledger, by theorem."""
