"""What a user meets first: help at once, one name of the program, reasons and colours."""

import io
import re
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

from grpo_checks.__main__ import main
from grpo_checks.experiments.commands import command_line, program
from grpo_checks.experiments.commands import verify as command
from grpo_checks.experiments.models.building.argument import from_argument, packaged
from grpo_checks.experiments.storage import colours, terminal

ROOT = Path(__file__).parents[3]
HELP = """
import sys
from grpo_checks.__main__ import main
for words in [["--help"], *([name, "--help"] for name in sys.argv[1:])]:
    try:
        main(words)
    except SystemExit as end:
        assert end.code == 0
slow = {"jax", "pandas", "numpy", "scipy", "matplotlib"} & {*sys.modules}
assert not slow, slow
"""


def test_help_loads_nothing_that_takes_long():
    """JAX alone takes a second to import; every command's --help is there without it."""
    subprocess.run([sys.executable, "-c", HELP, *command_line.COMMANDS], cwd=ROOT, check=True)


@pytest.mark.parametrize("name", command_line.COMMANDS)
def test_commands_lead_somewhere(name):
    """The module that the table names can be imported, and runs what was parsed."""
    module = import_module(f"grpo_checks.experiments.commands.{command_line.COMMANDS[name].module}")
    assert callable(module.run)


@pytest.mark.parametrize(
    ("spec", "word", "name"),
    [
        (None, "/usr/bin/grpo-checks", "grpo-checks"),
        ("grpo_checks.__main__", "x/__main__.py", "grpo-checks"),
        ("experiments.__main__", "x/__main__.py", "python -m experiments"),
        ("pytest.__main__", "x/__main__.py", "python -m experiments"),
    ],
)
def test_the_program_says_what_was_called(spec, word, name, monkeypatch):
    """So that a line of its messages can be pasted."""
    main_module = type(sys)("__main__")
    main_module.__spec__ = spec and type("Spec", (), {"name": spec})
    monkeypatch.setitem(sys.modules, "__main__", main_module)
    monkeypatch.setattr(sys, "argv", [word])
    assert program.program() == name
    assert program.drawing() == name.replace("experiments", "figures") + (
        " figures" if name == "grpo-checks" else ""
    )


def test_version(capsys):
    """Of the project as pyproject.toml has it, of JAX, and where it computes."""
    with pytest.raises(SystemExit) as end:
        main(["--version"])
    assert end.value.code == 0
    (version,) = re.findall(r'^version = "(.*)"', (ROOT / "pyproject.toml").read_text(), re.M)
    assert re.match(
        rf"grpo-theory-checks {version}, jax [\d.]+, \w+ \(.*\), .*, Python 3\.\d+\.\d+\n",
        capsys.readouterr().out,
    )


def test_figures_are_a_command_too(tmp_path, capsys):
    """The room that draws is above no other, so it is named before them."""
    assert main(["figures", str(tmp_path)]) == 2
    assert "rows.csv: no such table" in capsys.readouterr().err


def test_reasons_are_on_screen(tmp_path, capsys):
    """A claim that says nothing of a model says why; the first line comes before JAX does."""
    words = ["--claim", "T1.bias", "--instance", "bandit", "--out", str(tmp_path)]
    assert main(["verify", *words]) == 0
    first, *rest = capsys.readouterr().out.splitlines()
    assert first == "verify: loading JAX and the claims"
    assert any(line.startswith("  T1.bias: assumption unmet: on `conflict` only") for line in rest)
    assert "\x1b" not in "".join(rest)


class _Terminal(io.StringIO):
    def isatty(self):
        return True


def test_colours(monkeypatch):
    """Of the verdict that was come to, not of the one expected; none without a terminal."""
    for name in ("NO_COLOR", "TERM"):
        monkeypatch.delenv(name, raising=False)
    line = "T1.bias holds refuted 3 cells"
    assert command._verdict_in_colour(line) == line
    monkeypatch.setattr(sys, "stdout", _Terminal())
    assert command._verdict_in_colour(line) == "T1.bias \x1b[32mholds\x1b[0m refuted 3 cells"
    monkeypatch.setattr(sys, "stderr", _Terminal())
    terminal.complain("error: a: b")
    assert sys.stderr.getvalue() == "\x1b[1;31merror\x1b[0m: a: b\n"
    for name, value in (("NO_COLOR", "1"), ("TERM", "dumb")):
        with monkeypatch.context() as context:
            context.setenv(name, value)
            assert not colours.has_colours()
    monkeypatch.setenv("NO_COLOR", "")
    assert colours.has_colours()


def test_packaged_models_have_names():
    """The example of the README from any folder; a slip of the pen is told what was meant."""
    assert {"lookup"} <= packaged().keys()
    spec = from_argument("lookup")
    assert spec == from_argument(str(packaged()["lookup"]))
    with pytest.raises(ValueError, match=r"instance = 'lokup': did you mean 'lookup'\?"):
        from_argument("lokup")
