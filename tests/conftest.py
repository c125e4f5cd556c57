"""Strict numerics, and shapes checked at run time, in every test."""

import gc
import os
import shutil
import tempfile
from pathlib import Path

from grpo_checks.experiments.computing.compiler_flags import quick_flags

# One thread per worker: two pytest workers on two cores must not fight over them, and BLAS's wait
# for work by spinning. The rest as the quick profile has it, so that a command that a test starts
# finds what the test has stored.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
os.environ.setdefault("XLA_FLAGS", " ".join(("--xla_cpu_multi_thread_eigen=false", *quick_flags())))

import jax
import pytest
from beartype import BeartypeConf
from beartype.claw import beartype_package
from hypothesis import settings
from jaxtyping import install_import_hook

# Not the user's cache: one for this run of the tests, in which workers and the commands that they
# start share what they compile, small programs too. A cache that the caller names is used and kept.
RUN = os.environ.get("PYTEST_XDIST_TESTRUNUID", f"process-{os.getpid()}")
KEPT = os.environ.get("TESTS_COMPILATION_CACHE")
CACHE = Path(KEPT or Path(tempfile.gettempdir()) / f"grpo-theory-checks-tests-{RUN}").absolute()
os.environ["JAX_COMPILATION_CACHE_DIR"] = str(CACHE)
jax.config.update("jax_compilation_cache_dir", str(CACHE))
jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.0)
jax.config.update("jax_persistent_cache_min_entry_size_bytes", -1)
jax.config.update("jax_enable_x64", True)
jax.config.update("jax_numpy_rank_promotion", "raise")
THEORY = Path(__file__).parents[1] / "theory"
SHAPED = [
    ".".join(("grpo_checks.theory", *path.relative_to(THEORY).with_suffix("").parts))
    for path in THEORY.rglob("*.py")
    if "jaxtyping" in path.read_text(encoding="utf-8")
]
# Shapes are bound anew at each call, for 30 us: in exact arithmetic, which names none, that was two
# thirds of its time. There types alone are checked.
beartype_package("grpo_checks.theory", conf=BeartypeConf(claw_is_pep526=False))
install_import_hook(SHAPED, "beartype.beartype")

from grpo_checks.experiments.computing.compilation import Compilations  # noqa: E402
from grpo_checks.experiments.computing.resources import make_room  # noqa: E402

# Most of the suite's time: a session that compiles more programs fails, and says so. With an empty
# cache it was 2,578; one more for every parameter of a test is the usual way past the budget.
BUDGET = 3_000
COMPILATIONS, OTHERS = Compilations(), pytest.StashKey[int]()

# Tracing makes many objects that live: with Python's 700 a tenth of it goes into looking at them.
gc.set_threshold(50_000, 20, 20)

# The same examples in every run, so that what passed here passes for the next reader too;
# `pytest --hypothesis-profile explore` draws new ones.
settings.register_profile("same", derandomize=True)
settings.register_profile("explore", derandomize=False)
settings.load_profile("same")

# Folders whose programs run once, for less time than LLVM takes to make them fast, and a file; but
# those that list all samples of Theorem 3, which take twice as long without.
FOLDERS = {"theory", "advice", "claims", "conformance", "falsifier", "models", "points"}
ONE_RUN = {*FOLDERS, "test_survey.py"}
LONG = {"test_theorem3", "test_theorem3_verdicts"}
OPTIMISED = jax.make_user_context(True)


# With tests of over five seconds: begun last, they would leave the other worker idle.
FIRST = {"test_verify.py", "test_alarms.py", "test_processes.py"}


def pytest_collection_modifyitems(items):
    """Long ones first; else as they were."""
    items.sort(key=lambda item: item.path.name not in FIRST)


@pytest.fixture(autouse=True, scope="module")
def _quickly_compiled(request):
    """Programs of ``ONE_RUN`` without optimisations, and none of them met by other modules.

    What is compiled stays in the process, and others compare rows as texts: a context is part of
    what JAX knows a program by.
    """
    path = request.path
    fast = not ONE_RUN.isdisjoint(path.parts) and path.stem not in LONG
    jax.config.update("jax_disable_most_optimizations", fast)
    with OPTIMISED(not fast):
        yield
    jax.config.update("jax_disable_most_optimizations", False)


@pytest.fixture(autouse=True, scope="module")
def _freeze():
    """What a module left behind, compiled programs above all, is not searched for garbage again."""
    yield
    make_room()
    gc.freeze()


def compiled(config):
    """Programs compiled, not taken from the cache, by this process and the workers it started."""
    return COMPILATIONS.programs - COMPILATIONS.kept + config.stash.get(OTHERS, 0)


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node):
    """Of xdist: a worker has ended; one that crashed says nothing."""
    others = getattr(node, "workeroutput", {}).get("compiled", 0)
    node.config.stash[OTHERS] = node.config.stash.get(OTHERS, 0) + others


def pytest_terminal_summary(terminalreporter, config):
    """What was compiled, beside the budget."""
    terminalreporter.write_line(f"{compiled(config)} programs compiled, expected at most {BUDGET}")


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session):
    """A worker reports; the process that started them all judges, and removes the cache."""
    if hasattr(session.config, "workerinput"):
        session.config.workeroutput["compiled"] = compiled(session.config)
        return
    if compiled(session.config) > BUDGET:
        session.exitstatus = session.exitstatus or pytest.ExitCode.TESTS_FAILED
    if not KEPT:
        shutil.rmtree(CACHE, ignore_errors=True)
