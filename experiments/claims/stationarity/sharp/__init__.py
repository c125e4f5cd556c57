"""What Theorem 1 says of unbiased updates where nothing is given away: steps, rates."""
