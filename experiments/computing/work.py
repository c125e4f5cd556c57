"""Work that is shared: between the cores and devices here, and between commands on one folder."""

from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from functools import partial
from threading import Event
from typing import TypeVar

import jax
from tqdm import tqdm

from grpo_checks.experiments.computing.devices import home, workers
from grpo_checks.experiments.computing.processes import in_turn
from grpo_checks.experiments.computing.resources import make_room
from grpo_checks.experiments.storage.locks import Busy

BAR = "{desc} {percentage:3.0f}%|{bar}| {elapsed}<{remaining}"
Item = TypeVar("Item")


def work_through(
    groups: Sequence[Sequence[Item]],
    work: Callable[[Item, bool], None],
    cost: Callable[[Item], int],
    label: str,
) -> None:
    """``work(item, wait)`` for every item, groups side by side, each on one device.

    A group is what shares a compilation: two threads that met a new shape at once would both
    compile it. What another command is at, ``work`` says by Busy; the rest of its group is then put
    off, and waited for when nothing else is left, or done here should that command die. Several
    processes begin at different places. An interrupt or a failure leaves at once; what was finished
    is stored.
    """
    put_off: list[Sequence[Item]] = []
    stop = Event()
    total = sum(cost(item) for group in groups for item in group)
    with tqdm(total=total, desc=label, delay=2, leave=False, bar_format=BAR, disable=None) as bar:

        def go(place: int, group: Sequence[Item], together: bool, wait: bool) -> None:
            with jax.default_device(home(place)):
                for i, item in enumerate(group):
                    if stop.is_set():
                        return
                    try:
                        work(item, wait)
                        make_room()
                        bar.update(cost(item))
                    except Busy:
                        put_off.append(group[i:] if together else [item])
                        if together:
                            return

        try:
            # Whole groups; then what is free in those that others had begun; then the rest.
            todo: list[Sequence[Item]] = in_turn(groups)
            for together, wait in ((True, False), (False, False), (False, True)):
                _side_by_side(partial(go, together=together, wait=wait), todo)
                todo = put_off[:]
                put_off.clear()
        finally:
            stop.set()


def _side_by_side(task: Callable[[int, Item], None], items: Sequence[Item]) -> None:
    pool = ThreadPoolExecutor(workers())
    try:
        futures: list[Future[None]] = [pool.submit(task, i, item) for i, item in enumerate(items)]
        for future in as_completed(futures):
            future.result()
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
