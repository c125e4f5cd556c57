"""import: a model from a toy-text environment of Gymnasium."""

import argparse
import json
from pathlib import Path
from typing import Any

from grpo_checks.experiments.commands.program import program
from grpo_checks.experiments.models.building.toy_text import make
from grpo_checks.experiments.storage.files import check_target
from grpo_checks.experiments.storage.terminal import say


def run(arguments: argparse.Namespace) -> int:
    """Write the file, and say what can be done with it."""
    settings = dict(_setting(text) for text in arguments.set)
    options = {} if arguments.start is None else {"start": arguments.start}
    options |= {"returns": True} if arguments.returns else {}
    model = make(arguments.environment, arguments.depth, settings, **options)
    path = arguments.out or Path(f"{model.name}.json")
    check_target(path)
    model.save(path)
    say(model.description, f"stored: {path}")
    say(f"{program()} show {path}", f"{program()} advise --instance {path}")
    return 0


def _setting(text: str) -> tuple[str, Any]:
    """KEY=VALUE, the value as JSON where it is, else as it stands. Raises ValueError."""
    key, equals, value = text.partition("=")
    if not (key.isidentifier() and equals):
        raise ValueError(f"set = {text!r}: expected KEY=VALUE")
    try:
        return key, json.loads(value)
    except json.JSONDecodeError:
        return key, value
