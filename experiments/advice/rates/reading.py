"""Pass rates from the command line and from a CSV file, one line per prompt."""

import csv
import io
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from grpo_checks.experiments.models.instances import InstanceSpec
from grpo_checks.experiments.storage.files import digest
from grpo_checks.experiments.storage.input_file import read_text
from grpo_checks.theory.instances.rates.pass_rates import MAX_PROMPTS, PassRates, pass_rates

IGNORED, WEIGHT, CORRELATION = "prompt", "weight", "correlation"
"""Columns of a file that are no component: a name, rho up to a factor, a correlation."""


def numbers(field: str, text: str) -> tuple[float, ...]:
    """Of a list such as "0.2,0.6". Raises ValueError that names ``field``."""
    return tuple(_number(field, part) for part in text.split(","))


def positive(field: str, text: str) -> np.ndarray:
    """The same as an array, for weights: numbers > 0."""
    values = np.array(numbers(field, text))
    if not (values > 0).all():
        raise ValueError(f"{field} = {text!r}: expected numbers > 0")
    return values


def _rate(field: str, value: float) -> float:
    if not 0 <= value <= 1:
        hint = f"; {value:g} % is {value / 100:g}" if 1 < value <= 100 else ""
        raise ValueError(f"{field} = {value:g}: expected a rate in [0, 1]{hint}")
    return value


def _number(field: str, text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        raise ValueError(f"{field} = {text!r}: expected a number") from None
    if not np.isfinite(value):
        raise ValueError(f"{field} = {text!r}: expected a finite number")
    return value


def read_prompts(
    path: Path, defaults: Sequence[float], correlation: float, shared: bool = False
) -> PassRates:
    """Rates of each prompt; ``defaults``, those of --success, stand where a cell is empty.

    Prompts of the same rates are one where they share all parameters, which changes nothing then,
    and where there are too many: without shared parameters two prompts of one rate are two.
    Raises ValueError, naming file, line and column.
    """
    lines = [*csv.DictReader(io.StringIO(read_text(path)))]
    columns = list(lines[0]) if lines else []
    names = [c for c in columns if c not in (IGNORED, WEIGHT, CORRELATION)]
    if not names or None in columns:
        raise ValueError(f"{path}: expected a first line of column names, and a line per prompt")
    if defaults and len(defaults) != len(names):
        raise ValueError(
            f"success = {len(defaults)} rates: expected one for each of the {len(names)} "
            f"components of {path}: {', '.join(names)}"
        )
    fill = {**dict(zip(names, defaults, strict=False)), WEIGHT: 1.0, CORRELATION: correlation}
    wanted = (*names, WEIGHT, CORRELATION)
    cells = [
        [_cell(path, i, line, name, fill) for name in wanted] for i, line in enumerate(lines, 2)
    ]
    table = np.array(cells)
    if not (table[:, -2] > 0).all():
        raise ValueError(f"{path}: weight = {table[:, -2].min():g}: expected numbers > 0")
    if shared or len(table) > MAX_PROMPTS:
        return _merged(table)
    return _rates(np.delete(table, -2, 1), table[:, -2])


def _cell(
    path: Path, line: int, cells: Mapping[str, str | None], name: str, fill: Mapping[str, float]
) -> float:
    text = (cells.get(name) or "").strip()
    where = f"{path}: line {line}: {name}"
    if text:
        value = _number(where, text)
        return value if name in (WEIGHT, CORRELATION) else _rate(where, value)
    if name not in fill:
        raise ValueError(f"{where} is missing: expected a rate, or --success for all prompts")
    return fill[name]


def _merged(table: np.ndarray) -> PassRates:
    """Prompts of the same rates are one, with the sum of their shares."""
    alike = np.delete(table, -2, 1)
    rows, which = np.unique(alike, axis=0, return_inverse=True)
    return _rates(rows, np.bincount(which.reshape(-1), table[:, -2]))


def _rates(rows: np.ndarray, share: np.ndarray) -> PassRates:
    return PassRates(rows[:, :-1], rows[:, -1], share / share.sum(), (1.0,) * (rows.shape[1] - 1))


def rates_spec(
    success: str | None, correlation: float, prompts: Path | None, weights: str | None, shared: bool
) -> InstanceSpec:
    """The model of what a user knows. Raises ValueError for what is no rate, or cannot be."""
    rates = tuple(_rate("success", x) for x in numbers("success", success)) if success else ()
    if prompts is None:
        known = PassRates(
            np.array([rates]), np.array([correlation]), np.ones(1), (1.0,) * len(rates)
        )
    else:
        known = read_prompts(prompts, rates, correlation, shared)
    if weights is not None:
        known = known._replace(weights=numbers("weights", weights))
    if len(known.weights) != known.success.shape[1]:
        raise ValueError(
            f"weights = {weights}: expected one for each of {known.success.shape[1]} components"
        )
    return spec_of("pass_rates", known, shared)


def spec_of(name: str, known: PassRates, shared: bool) -> InstanceSpec:
    """The model of these rates, to be asked for advice."""
    options = {field: np.asarray(value).tolist() for field, value in known._asdict().items()}
    content = digest({**options, "shared": shared})
    return InstanceSpec(name, (("sha256", content),), pass_rates(known, shared))
