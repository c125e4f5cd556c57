"""paper_checks.md from a template and stored rows."""
