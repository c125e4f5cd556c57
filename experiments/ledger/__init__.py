"""paper_checks.md and its details, from templates and stored rows."""
