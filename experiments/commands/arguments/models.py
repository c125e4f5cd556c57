"""Arguments of the commands about one model."""

from argparse import ArgumentParser
from pathlib import Path


def advise(parser: ArgumentParser) -> None:
    """Of advise."""
    of_what = parser.add_argument_group("about one of")
    of_what.add_argument("--instance", help="a model: a name or a .json file")
    of_what.add_argument("--success", metavar="P,...", help="pass rates of the components")
    of_what.add_argument(
        "--prompts", type=Path, metavar="FILE.csv", help="pass rates of the components, per prompt"
    )
    rates = parser.add_argument_group("with pass rates")
    rates.add_argument(
        "--correlation", type=float, default=0.0, help="of any two components of a prompt [0]"
    )
    rates.add_argument("--weights", metavar="W,...", help="of the components [1,...]")
    rates.add_argument(
        "--shared", action="store_true", help="prompts share all parameters, instead of none"
    )
    size = parser.add_mutually_exclusive_group()
    size.add_argument("--budget", type=int, help="episodes per update [64]")
    size.add_argument("--batch", type=int, help="prompts per update, whatever the group size")
    rows = "the trainer whose whole update is compared with the estimators [trl]; an unknown "
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
    parser.add_argument("--all", action="store_true", help="all rows, and where biased ones lead")
    parser.add_argument("--out", type=Path, help="output folder [results/advise/NAME]")
