"""Training runs of policies with one logit: their chains, roots and optima."""
