"""What commands are given: argparse alone, without JAX, so that --help is there at once."""
