"""What a status means: 1 is a verdict and nothing else, of a mutant as of a claim."""

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest
from helpers.toy_claim import TOY

from grpo_checks.experiments import __main__ as cli
from grpo_checks.experiments.commands import command_line
from grpo_checks.experiments.protocol.claim import Row
from grpo_checks.experiments.runs.tables import as_junit, report

ROOT = Path(__file__).parents[3]
VERDICTS = ("refuted", "holds", "inconclusive", "vacuous", "assumption unmet")


@pytest.mark.parametrize("on_model", [False, True])
@pytest.mark.parametrize("verdict", VERDICTS)
def test_a_mutant_is_to_be_refuted(verdict, on_model):
    """In the status as in junit.xml; a model that says nothing has not caught it."""
    row = Row("toy", "model", {}, 0.3, 0.3, 0.3, 0.25, verdict)
    tables = report([TOY], [[row]], on_model, "lower")
    assert tables.as_expected is (verdict == "refuted")
    suite = ElementTree.fromstring(as_junit(tables))
    assert suite.get("failures") == str(int(verdict != "refuted"))
    assert not list(suite.iter("skipped"))
    assert tables.verdicts["expected"].tolist() == ["refuted"]
    assert "6/25 for 1/4" in tables.verdicts["statement"][0]


@pytest.mark.parametrize(("instance", "status"), [("", 0), ("bandit", 1)])
def test_the_status_of_a_mutant(tmp_path, instance, status):
    """L.groups is decided without a model: on one, a mutant of it is not caught."""
    options = ["--claim", "L.groups", "--mutant", "lossless", "--out", str(tmp_path)]
    only = ["--instance", instance] if instance else []
    assert cli.main(["verify", *options, *only]) == status
    (junit,) = tmp_path.rglob("junit.xml")
    assert ElementTree.parse(junit).getroot().get("failures") == str(status)


FAULTS = [RuntimeError("odd"), AssertionError(), SystemExit(1), KeyError()]


@pytest.mark.parametrize("error", FAULTS)
def test_a_fault_is_no_verdict(error, monkeypatch, capsys):
    """Python's own status of an uncaught exception, and a claim's sys.exit, would be 1."""

    def run(arguments):
        raise error

    monkeypatch.setattr(command_line, "run", run)
    assert cli.main(["list"]) == 70
    printed = capsys.readouterr().err
    assert "Traceback" in printed
    assert printed.endswith("error: a fault of the program; no verdict\n")


BROKEN = """
import sys
sys.modules["grpo_checks.experiments.commands.command_line"] = None
from grpo_checks.experiments.__main__ import main
sys.exit(main(["list"]))
"""


def test_windows_is_one_sentence(monkeypatch, capsys):
    """Locks on files are POSIX."""
    monkeypatch.setattr(cli.os, "name", "nt")
    assert cli.main(["list"]) == 2
    assert capsys.readouterr().err == "error: Windows: expected POSIX locks of files, as in WSL\n"


def test_a_broken_installation_is_no_verdict():
    """What cannot even be imported."""
    process = subprocess.run([sys.executable, "-c", BROKEN], cwd=ROOT, capture_output=True)
    assert process.returncode == 70


# Says what it is asked to do; at the step that is named first it waits for an interrupt, like the
# command itself, and ends with 3.
PYTHON = """#!{python} -S
import signal, sys, time
# A job in the background may have inherited that Ctrl-C is ignored.
signal.signal(signal.SIGINT, signal.default_int_handler)
said = " ".join(sys.argv[1:])
print(said, flush=True)
if {step!r} in said:
    try:
        print("ready", flush=True)
        time.sleep(60)
    except KeyboardInterrupt:
        sys.exit(3)
"""


def _interrupted(folder, target):
    """What make says after an interrupt of it and all that it has started."""
    process = subprocess.Popen(
        ["make", target], cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        text=True, start_new_session=True,
    )  # fmt: skip
    text = []
    while not text or text[-1] != "ready\n":
        text.append(process.stdout.readline())
        assert text[-1], text
    os.killpg(process.pid, signal.SIGINT)
    return process.communicate(timeout=60)[0]


@pytest.mark.skipif(shutil.which("make") is None, reason="no make")
@pytest.mark.parametrize(
    ("target", "step"),
    [
        *(("verify", "verify"), ("paper", "verify"), ("paper", "mutants"), ("paper", "figures")),
        *(("paper-figures", "figures"), ("paper-compare", "verify"), ("paper-compare", "compare")),
    ],
)
def test_make_passes_an_interrupt_on(tmp_path, target, step):
    """Ctrl-C goes to the shell of the recipe too: it must not die of it before it has said 3."""
    shutil.copy(ROOT / "Makefile", tmp_path)
    (tmp_path / "requirements.txt").touch()
    (tmp_path / ".venv" / "bin").mkdir(parents=True)
    python = tmp_path / ".venv" / "bin" / "python"
    python.write_text(PYTHON.format(python=sys.executable, step=step))
    python.chmod(0o755)
    (tmp_path / ".venv" / ".ready").touch()
    for _ in range(5):
        rest = _interrupted(tmp_path, target)
        # Now and then make itself, interrupted while it waits, asks for its shell a second time.
        if "wait: No child processes" not in rest:
            break
    assert "Error 3" in rest
    assert "-m" not in rest
