"""Theorems about GRPO, checked on models that can be solved exactly."""

import argparse
import os
import sys
from collections.abc import Sequence

import jax

from experiments.commands import (
    advise,
    alarms,
    explain,
    falsify,
    ledger,
    listing,
    mutants,
    power,
    verify,
)
from experiments.compilation import keep_compiled

COMMANDS = (listing, explain, verify, mutants, falsify, power, alarms, advise, ledger)

EXIT_STATUS = (
    "Exit status: 0 everything as expected; 1 some verdict differs (or a mutant was not caught); "
    "2 bad input; 3 interrupted: finished runs are stored, the same command resumes."
)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m experiments", description=__doc__, epilog=EXIT_STATUS
    )
    commands = parser.add_subparsers(dest="command", required=True)
    for command in COMMANDS:
        command.add(commands)
    for chosen in commands.choices.values():
        chosen.epilog = EXIT_STATUS
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """0: every verdict as expected; 1: some differ; 2: bad input; 3: interrupted, resumable."""
    arguments = _parser().parse_args(argv)
    jax.config.update("jax_enable_x64", True)
    keep_compiled()
    try:
        status: int = arguments.run(arguments)
        return status
    except (ValueError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("interrupted; finished runs are stored, the same command resumes", file=sys.stderr)
        sys.stderr.flush()
        # Worker threads cannot be stopped inside compiled code; leave without waiting for them.
        os._exit(3)


if __name__ == "__main__":
    sys.exit(main())
