"""What the ledger says of each claim: functions from stored rows to the fields of the template."""
