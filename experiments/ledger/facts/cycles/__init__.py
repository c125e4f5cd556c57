"""Facts on std-normalised GRPO that goes round: T1.own, the survey, what stops it, in short."""
