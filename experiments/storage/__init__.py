"""Files, locks, folders, text: where results are kept and how they are read."""
