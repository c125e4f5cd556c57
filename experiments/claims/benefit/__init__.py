"""T2.benefit: whether decomposing pays, in races."""
