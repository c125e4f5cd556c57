"""The instances by name; each takes the number of reward components."""

from collections.abc import Callable, Mapping
from types import MappingProxyType

from theory.instances.bandit import bandit
from theory.instances.bits import bits
from theory.instances.coding import coding
from theory.instances.conflict import conflict
from theory.instances.instance import Instance
from theory.instances.menu import menu
from theory.instances.outcomes import outcomes
from theory.instances.random import random_instance
from theory.instances.relay import relay
from theory.instances.search import search
from theory.instances.specialists import specialists

INSTANCES: Mapping[str, Callable[[int], Instance]] = MappingProxyType(
    {
        "search": search,
        "coding": coding,
        "conflict": conflict,
        "bits": bits,
        "bandit": bandit,
        "random": random_instance,
        "specialists": specialists,
        "relay": relay,
        "menu": menu,
        "outcomes": outcomes,
    }
)
