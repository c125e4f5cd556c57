"""Models of one's own: written in Python, read from a file, or from a table of Gymnasium."""

from grpo_checks.experiments.models.building.argument import chosen
from grpo_checks.experiments.models.building.model import Model
from grpo_checks.experiments.models.building.toy_text import from_gymnasium, from_table

__all__ = ["Model", "chosen", "from_gymnasium", "from_table"]
