"""Instances in which an episode calls tools."""
