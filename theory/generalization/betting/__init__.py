"""PAC-Bayes bounds from bets on the losses of a policy."""
