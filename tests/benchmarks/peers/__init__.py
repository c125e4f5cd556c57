"""Training written plainly, in JAX and in NumPy: what the suite is measured beside."""
