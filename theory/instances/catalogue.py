"""The instances by name; each takes the number of reward components."""

from collections.abc import Callable, Mapping
from types import MappingProxyType

from theory.instances.bits import bits
from theory.instances.coding import coding
from theory.instances.conflict import conflict
from theory.instances.instance import Instance
from theory.instances.menu import menu
from theory.instances.outcomes import outcomes
from theory.instances.random import random_instance
from theory.instances.search import search

INSTANCES: Mapping[str, Callable[[int], Instance]] = MappingProxyType(
    {
        "search": search,
        "coding": coding,
        "conflict": conflict,
        "bits": bits,
        "random": random_instance,
        "menu": menu,
        "outcomes": outcomes,
    }
)
