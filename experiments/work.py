"""Work that is shared: between the cores and devices here, and between commands on one folder."""

from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from threading import Event
from typing import TypeVar

import jax
from tqdm import tqdm

from experiments.devices import home, workers
from experiments.locks import Busy
from experiments.processes import in_turn

BAR = "{desc} {percentage:3.0f}%|{bar}| {elapsed}<{remaining}"
Item = TypeVar("Item")


def work_through(
    groups: Sequence[Sequence[Item]],
    work: Callable[[Item, bool], None],
    cost: Callable[[Item], int],
    label: str,
) -> None:
    """``work(item, wait)`` for every item; the items of a group in a row, on one device.

    Two threads that meet a new shape at once would both compile it: a group is what shares one.
    What another command is at work on is put off; it is waited for only when nothing else is left,
    and done here should that command die. Several processes begin at different places. An
    interrupt or a failure leaves at once; what was finished is stored.
    """
    total = sum(cost(item) for group in groups for item in group)
    put_off: list[Item] = []
    stop = Event()
    with tqdm(total=total, desc=label, delay=2, leave=False, bar_format=BAR, disable=None) as bar:

        def go(place: int, group: Sequence[Item], wait: bool) -> None:
            with jax.default_device(home(place)):
                for item in group:
                    if stop.is_set():
                        return
                    try:
                        work(item, wait)
                    except Busy:
                        put_off.append(item)
                    else:
                        bar.update(cost(item))

        try:
            _side_by_side(lambda place, group: go(place, group, False), in_turn(groups))
            _side_by_side(lambda place, item: go(place, [item], True), put_off[:])
        finally:
            stop.set()


def _side_by_side(task: Callable[[int, Item], None], items: Sequence[Item]) -> None:
    pool = ThreadPoolExecutor(workers())
    try:
        made: list[Future[None]] = [pool.submit(task, i, item) for i, item in enumerate(items)]
        for future in as_completed(made):
            future.result()
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
