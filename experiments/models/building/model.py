"""A model written by hand in Python, to be built, saved and loaded.

model = (
    Model("lookup")
    .prompt("capital of France", start="asked")
    .tool("look up", at="asked", to={"told": "2/3", "not told": "1/3"})
    .answer("Paris", reward=1)
    .answer("Rome", reward=0)
)
model.save("lookup.json")
"""

import json
from pathlib import Path
from typing import Any, Self

import jax

from grpo_checks.experiments.models.building.arrays.build import Built, build
from grpo_checks.experiments.models.building.description import Description
from grpo_checks.experiments.models.building.labels import Labels
from grpo_checks.experiments.models.building.sparse_file import document, parse
from grpo_checks.experiments.models.instances import InstanceSpec
from grpo_checks.experiments.storage.files import digest, write_atomic
from grpo_checks.experiments.storage.input_file import read_json
from grpo_checks.theory.instances.instance import Instance


class Model(Description):
    """A TA-MDP as a person writes it; the methods that add to it return it."""

    def build(self) -> Built:
        """Arrays, with the names of their axes. Raises ValueError for what is no model."""
        return build(self)

    def instance(self) -> Instance:
        """The arrays alone, as the functions of ``theory`` take them."""
        return self.build().instance

    def labels(self) -> Labels:
        """What prompts, states, tools, answers and components are called."""
        return self.build().labels

    def spec(self) -> InstanceSpec:
        """As claims and runs name it: results are stored by what the file of it would say."""
        mark = digest(_text(document(self)))
        return InstanceSpec(self.name, (("sha256", mark),), self.instance())

    def save(self, path: str | Path) -> Self:
        """Write a sparse file, whole or not at all. Raises ValueError for what is no model.

        Whatever the caller's JAX is set to.
        """
        before = jax.config.read("jax_enable_x64")
        jax.config.update("jax_enable_x64", True)
        try:
            self.build()
        finally:
            jax.config.update("jax_enable_x64", before)
        write_atomic(Path(path), _text(document(self)))
        return self

    @classmethod
    def load(cls, path: str | Path) -> Self:
        """Of a sparse file. Raises ValueError, naming file and entry."""
        content = read_json(Path(path))
        try:
            return cls.parse(content)
        except ValueError as error:
            raise ValueError(f"{path}: {error}") from None

    @classmethod
    def parse(cls, content: Any) -> Self:
        """Of a decoded sparse file. Raises ValueError, naming the entry."""
        return parse(content, cls)


def _text(content: dict[str, Any]) -> str:
    """JSON with an entry of a list on one line."""
    fields = [
        f"  {json.dumps(key)}: " + (_rows(value) if isinstance(value, list) else json.dumps(value))
        for key, value in content.items()
    ]
    return "{\n" + ",\n".join(fields) + "\n}\n"


def _rows(entries: list[Any]) -> str:
    return "[\n" + ",\n".join(f"    {json.dumps(entry)}" for entry in entries) + "\n  ]"
