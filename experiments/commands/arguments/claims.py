"""Arguments of the commands about claims."""

from argparse import ArgumentParser, Namespace
from pathlib import Path

PROFILES = ("quick", "paper", "ci")
"""``ci``: the sizes of ``quick``, in a folder of its own and without a word on the ledger."""
CLAIM = "a claim, as `list` names it, or a .py file"
STORED_RUNS, PAPER_RUNS = Path("results/quick/cells"), Path("results/paper/cells")


def is_quick(arguments: Namespace) -> bool:
    """Whether a command takes the sizes of the quick profile, or looks at its stored runs: their
    programs are compiled alike. The paper's keep their digits."""
    if arguments.command == "verify":
        return bool(arguments.profile != "paper")
    if arguments.command == "mutants":
        return bool(arguments.runs != PAPER_RUNS)
    return bool(arguments.command == "explain")


def listing(parser: ArgumentParser) -> None:
    """Of list."""
    about = "the models by name instead, with what they are"
    parser.add_argument("--instances", action="store_true", help=about)


def explain(parser: ArgumentParser) -> None:
    """Of explain."""
    parser.add_argument("claim", help=CLAIM)
    parser.add_argument("--runs", type=Path, default=STORED_RUNS, help="stored training runs")


def verify(parser: ArgumentParser) -> None:
    """Of verify."""
    parser.add_argument("--profile", choices=PROFILES, default="quick")
    only = "only this claim, or all that a prefix names, as T2 does (may be repeated)"
    parser.add_argument("--claim", action="append", help=only)
    parser.add_argument("--instance", help="only this model: a name or a .json file")
    parser.add_argument("--mutant", help="a false version of the one --claim; must be refuted")
    seeds = "at least this many seeds per run, rounded up to a power of two: each has its share of "
    seeds += "the error, so that more may be asked for after seeing verdicts"
    parser.add_argument("--seeds", type=int, default=1, help=seeds)
    parser.add_argument("--out", type=Path, help="output folder [results/PROFILE]")
    parser.add_argument("--fresh", action="store_true", help="compute again what is stored")
    parser.add_argument(
        "--coordinator", help="HOST:PORT of process 0, or auto (SLURM, TPU pods, ...)"
    )
    parser.add_argument("--processes", type=int, help="how many processes share --out")
    parser.add_argument("--process", type=int, help="which of them this is, from 0")


def falsify(parser: ArgumentParser) -> None:
    """Of falsify."""
    parser.add_argument("claim", nargs="?", help=CLAIM)
    parser.add_argument("--mutant", help="search for a violation of this false version instead")
    parser.add_argument("--minutes", type=float, default=2.0, help="at most this long [2]")
    parser.add_argument("--seed", type=int, default=0, help="of the starts [0]")
    parser.add_argument(
        "--deep", action="store_true", help="on models with prompts, layers of states and tools"
    )
    parser.add_argument("--replay", type=Path, help="decide a stored point.json again")
    parser.add_argument(
        "--claim", dest="file", metavar="FILE.py", help="the claim, if not of `list`"
    )
    parser.add_argument(
        "--out", type=Path, default=Path("results/falsify"), help="output folder [results/falsify]"
    )


def new(parser: ArgumentParser) -> None:
    """Of new."""
    parser.add_argument("name", metavar="NAME", help="letters, digits and underscores")


def ledger(_: ArgumentParser) -> None:
    """Of ledger: none."""
