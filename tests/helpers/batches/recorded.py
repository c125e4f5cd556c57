"""The advantages that trainers' own code computed (tests/data/grpo_advantages.json), by preset."""

import json
from pathlib import Path

DATA = Path(__file__).parents[2] / "data"
CASES = json.loads((DATA / "grpo_advantages.json").read_text())["cases"]

# What a case's options ask for, as the name of a preset.
TRL = {"group": "trl", "batch": "trl-batch", "none": "dr_grpo"}
OPENRLHF = {"group_norm": "openrlhf", "rloo": "rloo", "dr_grpo": "dr_grpo"}


def preset_name(case):
    """Of the preset that a case's options are."""
    library, options = case["library"], case["options"]
    if options.get("multi_objective_aggregation") == "normalize_then_sum":
        return "trl-gdpo"
    if library == "trl":
        return TRL[options["scale_rewards"]]
    if library == "openrlhf":
        return OPENRLHF[options["estimator"]]
    if library == "verl":
        plain = "verl" if options.get("norm_adv_by_std_in_grpo") else "dr_grpo"
        return {"gdpo": "verl-gdpo", "rloo": "rloo", "grpo": plain}[options["adv_estimator"]]
    return {"visual-arft": "visual_arft", "nvlabs-gdpo-trl": "trl-gdpo"}[library]
