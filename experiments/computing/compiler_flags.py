"""How XLA compiles where most programs run once, for less time than making them fast takes."""

import os
import sys
from importlib.metadata import version

EMITTERS = "--xla_cpu_use_fusion_emitters=false"
"""Loops emitted as LLVM's, not by a chain of MLIR dialects; jaxlib 0.11 has those alone."""
QUICK = ("--xla_backend_optimization_level=1", "--xla_cpu_parallel_codegen_split_count=1")
"""LLVM's cheap passes, over one module: its expensive ones take twice as long."""


def quick_flags() -> tuple[str, ...]:
    """Those that this jaxlib knows: at any other XLA ends the process. Arithmetic stays IEEE's; a
    sum's order, and so its last digits, may differ."""
    return (*QUICK, EMITTERS) if version("jaxlib").startswith("0.10.") else QUICK


def compile_quickly() -> None:
    """Adds them to ``XLA_FLAGS``, but what the user says there counts, in a file too.

    Nothing where JAX is imported, which may have read them: they would be no longer true.
    """
    text = os.environ.get("XLA_FLAGS", "").strip()
    if "jax" in sys.modules or not (text.startswith("-") or not text):
        return
    given = {flag.partition("=")[0] for flag in text.split()}
    added = [flag for flag in quick_flags() if flag.partition("=")[0] not in given]
    os.environ["XLA_FLAGS"] = " ".join([*added, *text.split()])
