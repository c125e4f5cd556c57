"""Arguments of the commands about one model."""

from argparse import ArgumentParser
from pathlib import Path


def advise(parser: ArgumentParser) -> None:
    """Of advise."""
    parser.add_argument("--instance", required=True, help="a name or a .json file")
    size = parser.add_mutually_exclusive_group()
    size.add_argument("--budget", type=int, help="episodes per update [64]")
    size.add_argument("--batch", type=int, help="prompts per update, whatever the group size")
    rows = "the trainer whose whole update has rows beside the estimators [trl]; an unknown "
    parser.add_argument("--preset", help=rows + "name lists them")
    parser.add_argument(
        "--train", type=int, default=0, help="steps of exact gradient ascent before [0]"
    )
    parser.add_argument(
        "--optimizers",
        type=int,
        metavar="G",
        help="sample what Adam and clipping of the norm make of the trainer's E[g], groups of G",
    )
    parser.add_argument("--out", type=Path, help="output folder [results/advise/NAME]")
