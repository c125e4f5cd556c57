"""Expected updates at one decision that go round: at two members, and at any group size."""
