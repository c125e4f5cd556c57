"""The losses that trainers minimise: clipped, penalised, aggregated."""
