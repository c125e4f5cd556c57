"""A trainer's own update beside the exact law: jobs for it, what it answers, and verdicts."""
