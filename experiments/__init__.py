"""Settings and runs: claims are put on instances, and what comes back is stored as rows."""
