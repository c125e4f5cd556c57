"""Settings, runs, claims and rows; what defines them and where they are stored."""

# Before all others: it reads what they say as they are imported.
import grpo_checks.experiments.origin.sources  # noqa: F401
