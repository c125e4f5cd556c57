"""The commands of ``python -m experiments`` and what they are given."""

import argparse
from collections.abc import Sequence
from typing import NoReturn

import jax

from grpo_checks.experiments.commands import (
    advise,
    explain,
    falsify,
    ledger,
    listing,
    new,
    verify,
)
from grpo_checks.experiments.commands.audits import alarms, mutants, power, survey
from grpo_checks.experiments.commands.program import program
from grpo_checks.experiments.computing.compilation import keep_compiled
from grpo_checks.experiments.computing.devices import missing_platform
from grpo_checks.experiments.protocol.claim_errors import described, place
from grpo_checks.experiments.storage.terminal import escaped

ABOUT = "Theorems about GRPO, checked on models that can be solved exactly."
COMMANDS = (listing, explain, verify, mutants, falsify, new, power, alarms, survey, advise, ledger)
EXIT_STATUS = (
    "Exit status: 0 everything as expected, a mutant refuted; 1 some verdict differs, or a mutant "
    "was not caught, and nothing else; 2 bad input; 3 interrupted: finished runs are stored, the "
    "same command resumes; 70 a fault of the program, with its traceback."
)


class _Parser(argparse.ArgumentParser):
    """One whose messages show what was given as it prints."""

    def error(self, message: str) -> NoReturn:
        super().error(escaped(message))


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog=program(), description=ABOUT, epilog=EXIT_STATUS)
    commands = parser.add_subparsers(dest="command", required=True)
    for command in COMMANDS:
        command.add(commands)
    for chosen in commands.choices.values():
        chosen.epilog = EXIT_STATUS
    return parser


def parse(argv: Sequence[str] | None) -> argparse.Namespace:
    """What a user wrote. Raises SystemExit where it is no command, or asks for help."""
    return _parser().parse_args(argv)


def run(arguments: argparse.Namespace) -> int:
    """Its exit status. What it raises is an error of input where ``bad_input`` says which."""
    jax.config.update("jax_enable_x64", True)
    keep_compiled()
    status: int = arguments.run(arguments)
    return status


def bad_input(error: BaseException) -> str | None:
    """What was wrong with the input, a claim's file or the platform asked for; None for a fault."""
    where = place(error)
    if where is not None:
        return f"{where}: {described(error)}"
    if isinstance(error, ValueError | OSError):
        return str(error)
    return missing_platform()
