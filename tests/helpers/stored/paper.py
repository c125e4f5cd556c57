"""What lies in results/paper, read and filled once by a worker: nobody changes it."""

from functools import cache
from types import MappingProxyType

from grpo_checks.experiments.ledger.ledger import PAPER, ledger_pages
from grpo_checks.experiments.storage.table_file import read_table


@cache
def paper_pages():
    """The ledger, by the names of its pages."""
    return MappingProxyType(ledger_pages(PAPER))


@cache
def paper_rows():
    """The rows of all claims."""
    return read_table(PAPER / "rows.csv")
