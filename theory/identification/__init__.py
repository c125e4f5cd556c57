"""Which update rule advantages, or gradients, are of: fitted with NumPy, eps and all."""
