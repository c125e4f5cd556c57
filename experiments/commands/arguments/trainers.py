"""Arguments of the commands about trainers that others wrote."""

from argparse import ArgumentParser
from pathlib import Path

from grpo_checks.experiments.commands.arguments.models import columns


def conformance(parser: ArgumentParser) -> None:
    """Of conformance."""
    parser.add_argument(
        "--trainer", required=True, help="a name, or a .py file with load and gradient"
    )
    parser.add_argument("--rule", help="one rule [all of the trainer's]; a preset for a file")
    parser.add_argument(
        "--instance",
        nargs="+",
        help="named instances or .json files [answers, faint, steps, conflict, lookup]",
    )
    parser.add_argument(
        "--groups", type=int, nargs="+", help="their sizes [4, and 8 where that is little work]"
    )
    parser.add_argument("--batch", type=int, help="prompts of an update, drawn [each once, or 1]")
    parser.add_argument("--sampled", type=int, default=0, help="so many drawn batches, not all")
    parser.add_argument(
        "--mutants", action="store_true", help="plant faults into the trainer: is each one seen?"
    )
    parser.add_argument(
        "--sampler",
        type=int,
        metavar="STEPS",
        help="let the trainer sample so many steps of --batch prompts [64] by itself",
    )
    parser.add_argument(
        "--paths",
        action="store_true",
        help="let the trainer run by itself on dice, beside the exact orbit (half an hour)",
    )
    parser.add_argument("--python", type=Path, help="the trainer's Python [that of make]")
    parser.add_argument("--out", type=Path, help="table [results/conformance/NAME.csv]")


def identify(parser: ArgumentParser) -> None:
    """Of identify."""
    parser.add_argument(
        "file", type=Path,
        help="gradients that conformance stored (.npz), or a log with rewards and advantages: "
        ".csv, .jsonl, .parquet, as advise --log reads",
    )  # fmt: skip
    parser.add_argument("--rule", help="stored gradients under one label [all labels]")
    parser.add_argument("--instance", nargs="+", help="those of some models alone [all]")
    parser.add_argument("--groups", type=int, nargs="+", help="and of some group sizes [all]")
    columns(parser.add_argument)
    parser.add_argument(
        "--resolution", type=float, default=0.0,
        help="half a unit of the last digit of a table's advantages [0]",
    )  # fmt: skip
    parser.add_argument("--out", type=Path, help="table of what was identified [none]")
