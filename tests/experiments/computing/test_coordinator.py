"""Where processes meet: what is no place, and who may come there."""

import jax
import pytest

from grpo_checks.experiments.computing.processes import join


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("here", 2, 0), "coordinator = 'here': expected HOST:PORT"),
        (("host:99999", 2, 0), "coordinator = 'host:99999'"),
        (("host:80", None, 0), "processes = None: expected 1.."),
        (("host:80", 2, 2), "process = 2: expected 0..1"),
        (("a b:1234", 2, 0), "coordinator = 'a b:1234': expected HOST:PORT"),
        (("::1:1234", 2, 0), "coordinator = '::1:1234': expected HOST:PORT"),
        (("host:\u0663", 2, 0), "coordinator = 'host:\u0663': expected HOST:PORT"),
        ((None, 2, None), "processes = 2: expected a --coordinator"),
    ],
)
def test_bad_places(arguments, message):
    """Before anything is started."""
    with pytest.raises(ValueError, match=message.replace("..", r"\.\.")):
        join(*arguments)


@pytest.mark.parametrize("coordinator", ["host0:1234", "127.0.0.1:1234", "[::1]:1234", "auto"])
@pytest.mark.parametrize("bound", [None, "10.0.0.1:1234"])
def test_the_coordinator_listens_where_it_is_told(coordinator, bound, monkeypatch):
    """On HOST alone: its service asks nobody who they are. JAX's default are all addresses."""
    given = {}
    initialize = lambda *place, **more: given.update(place=place, **more)  # noqa: E731
    monkeypatch.setattr(jax.distributed, "initialize", initialize)
    monkeypatch.delenv("JAX_COORDINATOR_BIND_ADDRESS", raising=False)
    if bound is not None:
        monkeypatch.setenv("JAX_COORDINATOR_BIND_ADDRESS", bound)
    join(coordinator, 2, 0)
    address = None if coordinator == "auto" else coordinator
    assert given["place"] == (address, 2, 0)
    assert given["coordinator_bind_address"] == (bound or address)
