"""Claims at rational points, without floating point."""
