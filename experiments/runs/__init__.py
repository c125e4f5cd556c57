"""From settings to stored rows and verdicts."""
