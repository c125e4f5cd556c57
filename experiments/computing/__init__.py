"""Devices, processes, compiled programs: who computes."""
