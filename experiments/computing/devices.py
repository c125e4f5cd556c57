"""Cores and devices: which of them computes what."""

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import jax
from jax.sharding import SingleDeviceSharding


def cores() -> int:
    """How many this process may use; a batch system often allows fewer than there are."""
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # macOS
        return os.cpu_count() or 1


def workers() -> int:
    """Threads that keep all cores compiling and all devices of this process computing."""
    return max(cores(), jax.local_device_count())


def home(index: int) -> jax.Device | None:
    """Where the cells of one shape are computed, so that each shape compiles once."""
    devices = jax.local_devices()
    # None is where everything else runs: naming the only device would compile it a second time.
    return devices[index % len(devices)] if len(devices) > 1 else None


def over_devices(program: Callable[[Any], Any], blocks: Sequence[Any]) -> list[Any]:
    """``program`` of every block of seeds, on all devices if there is a block for each.

    Each device runs the program of a single one. A program partitioned over several is fused
    otherwise and differs in the last bit (seen on `coding`: 1e-15), and rows must not depend on
    the number of devices.
    """
    devices = jax.local_devices()
    if len(devices) == 1 or len(blocks) < len(devices):
        return [jax.device_get(program(block)) for block in blocks]

    def on(index: int) -> list[Any]:
        place = SingleDeviceSharding(devices[index])
        with jax.default_device(devices[index]):
            assigned = blocks[index :: len(devices)]
            return [jax.device_get(program(jax.device_put(block, place))) for block in assigned]

    with ThreadPoolExecutor(len(devices)) as pool:
        parts = list(pool.map(on, range(len(devices))))
    return [parts[i % len(devices)][i // len(devices)] for i in range(len(blocks))]


def missing_platform() -> str | None:
    """What is wrong with the platform that was asked for; None where JAX has it."""
    try:
        jax.devices()
    # Without a message where the platform is known and no device of it is there.
    except (RuntimeError, AssertionError) as error:
        platform, why = os.environ.get("JAX_PLATFORMS"), str(error).partition("\n")[0]
        return (
            f"JAX_PLATFORMS = {platform!r}: expected a platform that is here ({why or 'no device'})"
        )
    return None
