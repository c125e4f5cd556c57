"""Pages of the site, as Markdown, from stored rows, the catalogue of claims and docstrings."""
