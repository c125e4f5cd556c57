"""Trainers that are run whole: their own loops, samplers and optimiser steps."""
