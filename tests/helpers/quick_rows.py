"""Rows of the quick profile that several tests look at: computed once by a worker."""

from functools import cache

from grpo_checks.experiments.claims.catalogue import find
from grpo_checks.experiments.protocol.claim import Scope


@cache
def quick_rows(name):
    """Of a claim that needs no training run, as a tuple: nobody changes it for the others."""
    return tuple(find(name).rows(Scope("quick"), {}))
