"""Oracles and small models that several tests share."""
