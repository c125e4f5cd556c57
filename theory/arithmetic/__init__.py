"""Numbers without rounding, and the evaluator that runs JAX functions over them."""
