"""Claims at rational points: decided without floating point, and searched for."""
