"""Fields that go round: what |E[g]|^2 and |grad J|^2 are at least on a ring, in balls."""
