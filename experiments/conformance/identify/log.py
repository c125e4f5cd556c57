"""A table of rewards and advantages, one line for every episode."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

REWARD = "reward"


def read_log(path: Path) -> dict[str, Any]:
    """What ``identify_advantages`` takes.

    Columns: ``group``, ``advantage``; ``reward``, or several that begin with it, whose weights are
    1; ``batch`` and ``length`` if there are. A reward that is missing is an empty cell. Raises
    ValueError, naming the file and the column, for a file that is no such table.
    """
    try:
        table = pd.read_csv(path)
    except (OSError, ValueError, pd.errors.ParserError) as error:
        raise ValueError(f"{path}: {str(error).splitlines()[0]}: expected a CSV table") from None
    rewards = [name for name in table.columns if name.startswith(REWARD)]
    for name in ("group", "advantage"):
        if name not in table:
            raise ValueError(f"{path}: column {name}: missing: expected one beside {REWARD}")
    if not rewards:
        raise ValueError(f"{path}: column {REWARD}: missing: expected one at least")
    for name in (*rewards, "advantage", *({"length"} & {*table.columns})):
        if not pd.api.types.is_numeric_dtype(table[name]):
            raise ValueError(f"{path}: column {name}: expected numbers")
    return {
        "rewards": table[rewards].to_numpy(float),
        "weights": np.ones(len(rewards)),
        "group": table["group"].to_numpy(),
        "advantages": table["advantage"].to_numpy(float),
        "batch": table["batch"].to_numpy() if "batch" in table else None,
        "lengths": table["length"].to_numpy(float) if "length" in table else None,
    }
