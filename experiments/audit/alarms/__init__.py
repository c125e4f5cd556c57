"""False alarms of sampled verdicts, at their boundary and inside."""
