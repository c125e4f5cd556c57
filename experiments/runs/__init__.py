"""From settings to stored rows and verdicts, and the words that these are told in."""
