"""The models of T1.own as documents, next to the instances of the same names."""

from collections.abc import Mapping
from typing import Any

from grpo_checks.theory.instances.cycles.dice import LAWS, LAWS_ALL, VECTORS, WEIGHTS, WEIGHTS_ALL
from grpo_checks.theory.instances.cycles.rank_cycle import PAYS

START = [1, 0, "-3/5"]
PAID = sorted({pay for row in PAYS for pay in row}, key=str)
DOCUMENTS: Mapping[str, dict[str, Any]] = {
    "rank_cycle": {
        "outcome": [[[int(pay == p) for p in PAID] for pay in row] for row in PAYS],
        "rewards": [[pay] for pay in PAID],
        "logits": START,
    },
    "dice": {
        "outcome": [[list(law) for law in LAWS]],
        "rewards": [list(vector) for vector in VECTORS],
        "weights": list(WEIGHTS),
        "logits": START,
    },
}
"""With floors at G = 2."""
MODELS: Mapping[str, dict[str, Any]] = {
    **DOCUMENTS,
    "dice_all": {
        **DOCUMENTS["dice"],
        "outcome": [[list(law) for law in LAWS_ALL]],
        "weights": list(WEIGHTS_ALL),
    },
}
COMPONENTS = {"rank_cycle": 1, "dice": 2, "dice_all": 2}
