"""The commands, what they are given, and which module runs each; nothing else is imported."""

import argparse
import gc
import sys
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from types import ModuleType
from typing import Any, NamedTuple, NoReturn

from grpo_checks.experiments.commands.arguments import audits, claims, models, trainers
from grpo_checks.experiments.commands.program import drawing, program
from grpo_checks.experiments.computing.compiler_flags import compile_quickly
from grpo_checks.experiments.storage.terminal import escaped, say

ABOUT = (
    "Theorems about GRPO, checked on models that can be solved exactly. What verify and advise "
    f"store is drawn by `{drawing()} FOLDER`."
)
EXIT_STATUS = (
    "Exit status: 0 everything as expected, a mutant refuted; 1 some verdict differs, or a mutant "
    "was not caught, and nothing else; 2 bad input; 3 interrupted: finished runs are stored, the "
    "same command resumes; 70 a fault of the program, with its traceback."
)


class Command(NamedTuple):
    """One of the command line."""

    help: str
    arguments: Callable[[argparse.ArgumentParser], None]
    module: str
    """Below ``experiments.commands``; its ``run`` takes what was parsed."""
    loads: str = ""
    """What is said before that is imported; empty where the output is all that is wanted."""


JAX = "loading JAX and the claims"
COMMANDS: Mapping[str, Command] = {
    "list": Command(
        "the claims, their provenance and their mutants; --instances: the models by name",
        claims.listing,
        "listing",
    ),
    "explain": Command(
        "statement, proof, assumptions, where it was checked, margins, figures of one claim",
        claims.explain,
        "explain",
    ),
    "verify": Command("check claims; tables go to the output folder", claims.verify, "verify", JAX),
    "mutants": Command(
        "catch every mutant, and say how small a change would be seen",
        audits.mutants,
        "audits.mutants",
        JAX,
    ),
    "falsify": Command(
        "search for a violation, or the tightest point", claims.falsify, "falsify", JAX
    ),
    "new": Command(
        "write NAME.py: a claim with a case, a mutant and a search, to be edited", claims.new, "new"
    ),
    "power": Command(
        "the least lowering of each bound that is refuted; what more seeds would find",
        audits.power,
        "audits.power",
    ),
    "compare": Command(
        "what differs between a run's results and those that are kept; nothing is overwritten",
        audits.compare,
        "audits.compare",
    ),
    "alarms": Command(
        "reseed a true sampled claim many times and count its false alarms",
        audits.alarms,
        "audits.alarms",
        JAX,
    ),
    "survey": Command(
        "follow E[g] on random composite models: how many starts go round, or rest elsewhere",
        audits.survey,
        "audits.survey",
        JAX,
    ),
    "advise": Command("which estimator and group size, and why", models.advise, "advise", JAX),
    "conformance": Command(
        "whether a trainer's own update is the rule that it names",
        trainers.conformance,
        "trainers.conformance",
        JAX,
    ),
    "identify": Command(
        "which update rule stored gradients, or a table of advantages, are of",
        trainers.identify,
        "trainers.identify",
        "loading JAX",
    ),
    "show": Command(
        "what a model is: J and J*, components, silent groups, its graph; without one, all names",
        models.show,
        "show",
        "loading JAX",
    ),
    "import": Command(
        "a model from a toy-text environment of Gymnasium, as a file",
        models.importing,
        "importing",
        "loading JAX",
    ),
    "ledger": Command(
        "write paper_checks.md and its details from the rows of the paper profile",
        claims.ledger,
        "ledger",
    ),
}


class _Parser(argparse.ArgumentParser):
    """One whose messages show what was given as it prints."""

    def error(self, message: str) -> NoReturn:
        super().error(escaped(message))


class _Version(argparse.Action):
    """Says what is installed and where it would compute, which only JAX knows."""

    def __init__(self, option_strings: Sequence[str], dest: str, **keywords: Any) -> None:
        super().__init__(option_strings, argparse.SUPPRESS, nargs=0, **keywords)

    def __call__(self, parser: argparse.ArgumentParser, *_: Any) -> NoReturn:
        from grpo_checks.experiments.origin.provenance import version_line

        say(version_line())
        parser.exit()


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog=program(), description=ABOUT, epilog=EXIT_STATUS)
    parser.add_argument("--version", action=_Version, help="of this, of JAX, and the platform")
    commands = parser.add_subparsers(dest="command", required=True)
    for name, command in COMMANDS.items():
        command.arguments(commands.add_parser(name, help=command.help, epilog=EXIT_STATUS))
    return parser


def parse(argv: Sequence[str] | None) -> argparse.Namespace:
    """What a user wrote. Raises SystemExit where it is no command, or asks for help."""
    return _parser().parse_args(argv)


def _imported(name: str) -> ModuleType:
    """The module. What is imported stays: Python need not look through it for garbage, neither now,
    which takes a fifth of the time, nor ever again."""
    if name in sys.modules:
        return sys.modules[name]
    gc.disable()
    try:
        return import_module(name)
    finally:
        gc.freeze()
        gc.enable()


def run(arguments: argparse.Namespace) -> int:
    """Its exit status. What it raises is an error of input where ``bad_input`` says which."""
    command = COMMANDS[arguments.command]
    if command.loads:
        say(f"{arguments.command}: {command.loads}")
    if claims.is_quick(arguments):
        compile_quickly()
    module = _imported(f"grpo_checks.experiments.commands.{command.module}")
    import jax

    from grpo_checks.experiments.computing.compilation import keep_compiled

    jax.config.update("jax_enable_x64", True)
    keep_compiled()
    status: int = module.run(arguments)
    return status


def bad_input(error: BaseException) -> str | None:
    """What was wrong with the input, a claim's file or the platform asked for; None for a fault."""
    from grpo_checks.experiments.computing.devices import missing_platform
    from grpo_checks.experiments.protocol.claim_errors import described, place

    where = place(error)
    if where is not None:
        return f"{where}: {described(error)}"
    if isinstance(error, ValueError | OSError):
        return str(error)
    return missing_platform()
