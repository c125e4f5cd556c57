"""Reading a claim from a file of a user's own."""

import sys
from dataclasses import replace
from importlib.machinery import SourceFileLoader
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import CodeType

from grpo_checks.experiments.origin.sources import Origin, remember, snapshot
from grpo_checks.experiments.protocol.claim import Claim
from grpo_checks.experiments.protocol.claim_errors import PREFIX, checked, importing


class _AsRead(SourceFileLoader):
    """Runs what is remembered, not what a cache has kept of a file of equal size and second."""

    def get_code(self, fullname: str) -> CodeType:
        return self.source_to_code(remember(fullname, self.path), self.path)


def from_file(path: Path) -> Claim:
    """The ``CLAIM`` of a file: runs it, as any import would, under a name that no other file has.

    Raises ValueError for a file that is not there, fails, or has none.
    """
    if not path.is_file():
        raise ValueError(f"claim = {str(path)!r}: no such file")
    file, name = str(path.resolve()), PREFIX + path.stem
    while name in sys.modules and sys.modules[name].__file__ != file:
        name += "_"
    spec = spec_from_file_location(name, file, loader=_AsRead(name, file))
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    # Its docstring is the proof sketch that ``explain`` looks up by the name of the module.
    sys.modules[name] = module
    # From now on, since its functions may import too: of a file of equal size and second Python
    # would take what it has kept of another text.
    sys.dont_write_bytecode = True
    with importing(path):
        spec.loader.exec_module(module)
    claim = checked(getattr(module, "CLAIM", None), path)
    # It may have been made in another file: this one says which it is.
    return replace(claim, origin=Origin(name, snapshot()))
