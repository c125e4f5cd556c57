"""Updates from episodes of another policy than the one that is updated."""
