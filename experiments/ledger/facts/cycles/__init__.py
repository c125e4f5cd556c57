"""Facts on std-normalised GRPO that cycles: T1.own, the survey, what stops it, in short."""
