"""Sampled GRPO with exact bookkeeping."""
