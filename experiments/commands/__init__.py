"""One module per command of the command line: ``add`` its arguments, ``run`` it."""
