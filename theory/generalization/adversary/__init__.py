"""Problems that use the price of a PAC-Bayes bound up, and what the bound needs there."""
