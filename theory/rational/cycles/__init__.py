"""Fields that go round: their least squares on a ring, and centres at every group size."""
