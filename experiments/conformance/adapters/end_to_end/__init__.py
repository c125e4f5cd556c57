"""Trainers that are run from end to end: their own loops, samplers and optimiser steps."""
