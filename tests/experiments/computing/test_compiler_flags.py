"""Who compiles quickly, and that a user's flags, and a JAX that is there, stay as they are.

That XLA knows the flags every test shows: they are compiled so.
"""

import os
import subprocess
import sys

import pytest

from grpo_checks.experiments.commands import command_line
from grpo_checks.experiments.commands.arguments.claims import is_quick
from grpo_checks.experiments.computing import compiler_flags
from grpo_checks.experiments.computing.compiler_flags import compile_quickly, quick_flags

EMITTERS = "--xla_cpu_use_fusion_emitters=true"
OTHERS = tuple(flag for flag in quick_flags() if "emitters" not in flag)
STARTED = """
import os, sys
from grpo_checks.experiments.commands import command_line
command_line._imported = lambda name: sys.exit(print(os.environ.get("XLA_FLAGS", "none")))
command_line.run(command_line.parse(sys.argv[1:]))
"""


@pytest.mark.parametrize(
    ("words", "quick"),
    [
        ("verify", True),
        ("verify --profile ci", True),
        ("verify --profile paper", False),
        ("mutants", True),
        ("mutants --runs results/paper/cells", False),
        ("explain T2.gap", True),
        ("advise --instance bandit", False),
        ("falsify T2.gap", False),
    ],
)
def test_what_shares_runs_is_compiled_alike(words, quick):
    """The quick profile and what looks at its stored runs; the paper's rows keep their digits."""
    assert is_quick(command_line.parse(words.split())) is quick


@pytest.mark.parametrize(("profile", "quick"), [("quick", True), ("paper", False)])
def test_a_command_asks_before_jax_is_there(profile, quick):
    """It is read once, by the first program."""
    env = {name: value for name, value in os.environ.items() if name != "XLA_FLAGS"}
    command = [sys.executable, "-c", STARTED, "verify", "--profile", profile]
    process = subprocess.run(command, env=env, capture_output=True, text=True, check=True)
    assert process.stdout.splitlines()[-1] == (" ".join(quick_flags()) if quick else "none")


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("", quick_flags()),
        ("--a=1  --b", (*quick_flags(), "--a=1", "--b")),
        (" ".join(reversed(quick_flags())), reversed(quick_flags())),
        (EMITTERS, (*OTHERS, EMITTERS)),
        ("a/file", ("a/file",)),
    ],
)
def test_what_the_user_says_counts(given, expected, monkeypatch):
    """Each flag once, so that the same compilation has the same address; a file as it is."""
    monkeypatch.setenv("XLA_FLAGS", given)
    monkeypatch.delitem(sys.modules, "jax")
    compile_quickly()
    assert os.environ["XLA_FLAGS"] == " ".join(expected)


def test_a_process_that_has_jax_says_what_is_so(monkeypatch):
    """What is stored says how it was compiled: flags that came too late would be in its address."""
    monkeypatch.setenv("XLA_FLAGS", "")
    compile_quickly()
    assert os.environ["XLA_FLAGS"] == ""


@pytest.mark.parametrize(("jaxlib", "known"), [("0.10.2", True), ("0.12.0.1", False)])
def test_no_flag_that_xla_would_die_of(jaxlib, known, monkeypatch):
    """Later ones have no other emitters."""
    monkeypatch.setattr(compiler_flags, "version", {"jaxlib": jaxlib}.__getitem__)
    assert (compiler_flags.EMITTERS in quick_flags()) is known
