"""Files and models that nobody should write, for tests of what is said of them."""
