"""Commands that look at the checks themselves: false alarms, power, mutants, how common."""
