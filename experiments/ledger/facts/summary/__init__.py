"""Facts of the first page: the table of all claims, each theorem as a whole."""
