"""Arguments of the commands about one model."""

from argparse import Action, ArgumentParser
from collections.abc import Callable
from pathlib import Path


def advise(parser: ArgumentParser) -> None:
    """Of advise."""
    of_what = parser.add_argument_group("about one of")
    of_what.add_argument("--instance", help="a model: a name or a .json file")
    of_what.add_argument("--success", metavar="P,...", help="pass rates of the components")
    of_what.add_argument(
        "--prompts", type=Path, metavar="FILE.csv", help="pass rates of the components, per prompt"
    )
    of_what.add_argument(
        "--log",
        type=Path,
        nargs="+",
        metavar="FILE",
        help="the reward log of a run: TRL's completions/*.parquet, verl's rollouts, any .csv or "
        ".jsonl, or folders of them; `synthetic` is one that is installed",
    )
    _of_logs(parser)
    rates = parser.add_argument_group("with pass rates")
    rates.add_argument(
        "--correlation", type=float, default=0.0, help="of any two components of a prompt [0]"
    )
    rates.add_argument("--weights", metavar="W,...", help="of the components, of a log too [1,...]")
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


def show(parser: ArgumentParser) -> None:
    """Of show."""
    about = "a name or a .json file; without it all names are listed"
    parser.add_argument("model", nargs="?", help=about)
    parser.add_argument("--dot", type=Path, metavar="FILE", help="write the graph for Graphviz")
    parser.add_argument("--svg", type=Path, metavar="FILE", help="write a picture of the graph")


def importing(parser: ArgumentParser) -> None:
    """Of import."""
    parser.add_argument("environment", help="FrozenLake-v1, CliffWalking-v1, Taxi-v4, ...")
    parser.add_argument("--depth", type=int, required=True, help="at most so many steps")
    parser.add_argument(
        "--set", action="append", default=[], metavar="KEY=VALUE",
        help="a setting of the environment, as is_slippery=false (may be repeated)",
    )  # fmt: skip
    parser.add_argument(
        "--returns", action="store_true", help="keep the running sum of rewards in the state"
    )
    parser.add_argument("--start", type=int, help="one first state instead of all")
    parser.add_argument("--out", type=Path, help="the file [ENVIRONMENT.json]")


def columns(add: Callable[..., Action]) -> None:
    """Which columns of a log mean what."""
    add("--rewards", metavar="NAME,...", help="a log's columns of rewards [numeric ones]")
    add(
        "--columns",
        metavar="ROLE=NAME,...",
        help="names of step, prompt, completion, advantage, group, length",
    )


def _of_logs(parser: ArgumentParser) -> None:
    log = parser.add_argument_group("with a log")
    columns(log.add_argument)
    log.add_argument("--windows", type=int, help="parts of the run that are estimated alone")
    log.add_argument("--group-size", type=int, metavar="G", help="where it is not the commonest")
