"""Instances on which std-normalised GRPO goes round for ever."""
