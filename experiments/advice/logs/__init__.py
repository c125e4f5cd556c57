"""Logs of real runs: read in pieces, grouped, estimated by window of steps, put in words."""
