"""What a trainer does beside its answers: planted faults, its own sampler, its own path."""
