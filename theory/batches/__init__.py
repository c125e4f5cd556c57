"""Updates whose divisor is the whole batch's: exact sums over one group, then over B of them."""
