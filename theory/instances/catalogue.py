"""The instances by name; each takes the number of reward components."""

from collections.abc import Callable, Mapping
from types import MappingProxyType

from grpo_checks.theory.instances.bandit import bandit
from grpo_checks.theory.instances.bits import bits
from grpo_checks.theory.instances.conflict import conflict
from grpo_checks.theory.instances.cycles.dice import dice, dice_all
from grpo_checks.theory.instances.cycles.rank_cycle import rank_cycle
from grpo_checks.theory.instances.instance import Instance
from grpo_checks.theory.instances.menu import menu
from grpo_checks.theory.instances.outcomes import outcomes
from grpo_checks.theory.instances.random import random_instance
from grpo_checks.theory.instances.specialists import specialists
from grpo_checks.theory.instances.tools.coding import coding
from grpo_checks.theory.instances.tools.relay import relay
from grpo_checks.theory.instances.tools.search import search

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
        "rank_cycle": rank_cycle,
        "dice": dice,
        "dice_all": dice_all,
    }
)
