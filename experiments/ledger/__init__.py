"""paper_checks.md from stored rows."""
