"""Pages of docs/ as pages of the site; blocks that ask for it are run, and what they print shown.

A block asks by a comment on the line above: `<!-- run -->`, or `<!-- file: NAME -->`, which puts it
into a file beside. All of one page happens in one folder, which is thrown away.
"""

import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from grpo_checks.experiments.runs.stored import ROOT
from grpo_checks.pages.markup import starred

DOCS = ROOT / "docs"
BLOCK = re.compile(
    r"^<!-- (?:run|file: (?P<file>[\w.]+)) -->\n"
    r"```(?P<kind>python|sh)\n(?P<text>.*?)^```\n",
    re.M | re.S,
)
LINK = re.compile(r"(!?)\[([^\]]+)\]\((?!https?:|#)([^)]+)\)")
TIMEOUT = 120
"""Seconds that one block may take."""
QUIET = "import contextlib, io\nwith contextlib.redirect_stdout(io.StringIO()):\n    exec({!r})\n"


def guides() -> dict[str, str]:
    """Every page of docs/ by its name, links turned to the site's, with the output of its blocks.

    Raises ValueError, naming the page, where a block fails.
    """
    pages = {path.name: path.read_text(encoding="utf-8") for path in sorted(DOCS.glob("*.md"))}
    ready = {name: starred(relinked(executed(name, text))) for name, text in pages.items()}
    return {"index.md": _index(pages), **ready}


def _index(pages: dict[str, str]) -> str:
    titles = {name: text.splitlines()[0].lstrip("# ") for name, text in pages.items()}
    lines = "\n".join(f"- [{title}]({name})" for name, title in titles.items())
    return f"# Guides\n\nOutputs under a block are of the build of this site.\n\n{lines}\n"


def executed(name: str, text: str) -> str:
    """The page with what its blocks print below them. Raises ValueError where one fails."""
    with tempfile.TemporaryDirectory() as folder:
        before: list[str] = []
        return BLOCK.sub(lambda match: _replaced(name, match, Path(folder), before), text)


def _replaced(name: str, match: re.Match[str], folder: Path, before: list[str]) -> str:
    block = f"```{match['kind']}\n{match['text']}```\n"
    if match["file"]:
        (folder / match["file"]).write_text(match["text"], encoding="utf-8")
        return block
    if match["kind"] == "sh":
        output = _run(name, ["bash", "-e", "-c", match["text"]], folder)
    else:
        program = QUIET.format("\n".join(before)) + match["text"]
        output = _run(name, [sys.executable, "-c", program], folder)
        before.append(match["text"])
    return f'{block}\n```text title="prints"\n{output.strip()}\n```\n' if output.strip() else block


def _run(name: str, words: list[str], folder: Path) -> str:
    """What a block prints. Raises ValueError, with its last line, where it fails."""
    tools = folder / ".bin"
    tools.mkdir(exist_ok=True)
    for command, module in (("python", ""), ("grpo-checks", " -m grpo_checks")):
        path = tools / command
        path.write_text(f'#!/bin/sh\nexec {sys.executable}{module} "$@"\n', encoding="utf-8")
        path.chmod(0o755)
    places = f"{tools}:{os.environ['PATH']}"
    environment = {**os.environ, "PATH": places, "PYTHONPATH": str(ROOT), "JAX_ENABLE_X64": "1"}
    ended = subprocess.run(
        words, cwd=folder, env=environment, capture_output=True, text=True, timeout=TIMEOUT
    )
    if ended.returncode:
        last = (ended.stderr.strip() or ended.stdout.strip() or "no output").splitlines()[-1]
        raise ValueError(f"docs/{name}: a block ends with status {ended.returncode}: {last}")
    return ended.stdout


def relinked(text: str) -> str:
    """Links inside docs/ stay; pictures lead to the site's copies; links to other files of the
    repository become their names."""
    return LINK.sub(lambda match: _link(*match.groups()), text)


def _link(picture: str, words: str, target: str) -> str:
    file = target.partition("#")[0]
    if (DOCS / file).is_file() and "/" not in file:
        return f"{picture}[{words}]({target})"
    if picture or file.endswith(".png"):
        return f"{picture}[{words}](../figures/{Path(file).name})"
    return f"{words} (`{target.removeprefix('../')}`)"
