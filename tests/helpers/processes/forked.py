"""Processes that begin where JAX and the commands are imported: most of what a start takes.

Each is forked from one process that has compiled nothing. It is else what `python -c` would be, of
an environment, streams, limits and an end of its own. A start itself is for `subprocess`.
"""

import atexit
import os
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import chdir
from multiprocessing import get_context
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
CONTEXT = get_context("forkserver")
CONTEXT.set_forkserver_preload(
    [
        "pytest",
        "jax",
        "grpo_checks.experiments.commands.command_line",
        "grpo_checks.experiments.commands.verify",
        "grpo_checks.experiments.storage.terminal",
    ]
)
WAIT = 120
"""Seconds until a process hangs."""


def _run(program, arguments, environment, *pipes):
    for number, (name, pipe) in enumerate(zip(("stdout", "stderr"), pipes, strict=True), start=1):
        os.dup2(pipe.fileno(), number)
        pipe.close()
        setattr(sys, name, os.fdopen(number, "w", 1, "utf-8", closefd=False))
    os.environ.clear()
    os.environ.update(environment)
    sys.argv = ["-c", *arguments]
    try:
        exec(compile(program, "<forked>", "exec"), {"__name__": "__main__"})
    finally:
        # As Python does at its end, and multiprocessing does not.
        atexit._run_exitfuncs()


def _text(stream):
    with open(os.dup(stream.fileno()), encoding="utf-8") as file:
        return file.read()


class Forked:
    """A process that runs a program, of arguments, in an environment that is this one's if none."""

    def __init__(self, program, *arguments, env=None):
        ends = [CONTEXT.Pipe(duplex=False) for _ in range(2)]
        self._streams = [reader for reader, _ in ends]
        writers = [writer for _, writer in ends]
        given = (program, [*map(str, arguments)], dict(os.environ if env is None else env))
        self._process = CONTEXT.Process(target=_run, args=(*given, *writers))
        # What is imported is of this checkout, wherever the first test that asks has gone.
        with chdir(ROOT):
            self._process.start()
        for writer in writers:
            writer.close()

    def send(self, signal):
        """It may have come to its end."""
        os.kill(self._process.pid, signal)

    def end(self):
        """What it printed, and said of errors, and its status, -n for a signal n."""
        with ThreadPoolExecutor(2) as readers:
            texts = [readers.submit(_text, stream) for stream in self._streams]
            self._process.join(WAIT)
            if self._process.exitcode is None:
                self._process.kill()
            out, err = (text.result() for text in texts)
        self._process.join()
        status = self._process.exitcode
        for part in (self._process, *self._streams):
            part.close()
        return out, err, status
