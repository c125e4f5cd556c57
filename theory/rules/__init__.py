"""Update rules: advantage estimator and loss aggregation as trainers combine them, by name."""
