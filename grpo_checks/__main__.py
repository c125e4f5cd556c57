"""The installed command: figures draws a folder of results, all other commands are experiments'."""

import sys
from collections.abc import Sequence


def main(argv: Sequence[str] | None = None) -> int:
    """Exit status of the command; see those of ``grpo_checks.experiments`` and of figures."""
    words = list(sys.argv[1:] if argv is None else argv)
    if words[:1] == ["figures"]:
        from grpo_checks.figures import __main__ as figures

        return figures.main(words[1:], "grpo-checks figures")
    from grpo_checks.experiments import __main__ as experiments

    return experiments.main(words)


if __name__ == "__main__":
    sys.exit(main())
