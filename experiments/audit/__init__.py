"""The verifier, verified: mutants, power, false alarms, stored points."""
