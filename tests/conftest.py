"""Strict numerics, and shapes checked at run time, in every test."""

import os

# One thread per worker: two pytest workers on two cores must not fight over them.
os.environ.setdefault("XLA_FLAGS", "--xla_cpu_multi_thread_eigen=false")
# What is tested is what is compiled now, not what the user's cache holds.
os.environ.setdefault("JAX_ENABLE_COMPILATION_CACHE", "false")

import jax
from jaxtyping import install_import_hook

jax.config.update("jax_enable_x64", True)
jax.config.update("jax_numpy_rank_promotion", "raise")
install_import_hook(["theory"], "beartype.beartype")
