"""Theorems about GRPO, checked on models that can be solved exactly."""

import os
import sys
import traceback
from collections.abc import Sequence
from typing import NoReturn

FAULT = 70
"""EX_SOFTWARE of sysexits.h. What Python itself says of an uncaught exception is 1, a verdict."""


def main(argv: Sequence[str] | None = None) -> int:
    """0: as expected; 1: some verdict differs; 2: bad input; 3: interrupted, resumable; 70: fault.

    Raises SystemExit where the arguments are no command.
    """
    if os.name != "posix":
        print("error: Windows: expected POSIX locks of files, as in WSL", file=sys.stderr)
        return 2
    try:
        # Here, so that an interrupt or a broken installation has its own status too.
        from grpo_checks.experiments.commands import command_line
        from grpo_checks.experiments.storage import terminal
    except KeyboardInterrupt:
        _interrupted()
    except Exception:
        return _fault()
    with terminal.printing():
        arguments = command_line.parse(argv)
        try:
            return command_line.run(arguments)
        except KeyboardInterrupt:
            _interrupted()
        # A claim's file that calls sys.exit would choose a verdict.
        except (Exception, SystemExit) as error:
            message = command_line.bad_input(error)
            if message is None:
                return _fault()
            terminal.complain(f"error: {message}")
            return 2


def _interrupted() -> NoReturn:
    print("interrupted; finished runs are stored, the same command resumes", file=sys.stderr)
    sys.stderr.flush()
    # Worker threads cannot be stopped inside compiled code; leave without waiting for them.
    os._exit(3)


def _fault() -> int:
    traceback.print_exc()
    print("error: a fault of the program; no verdict", file=sys.stderr)
    return FAULT


if __name__ == "__main__":
    sys.exit(main())
