"""show says which components only fill a named model up."""

from grpo_checks.experiments import __main__ as cli


def test_components_that_no_policy_earns_are_named(capsys):
    """`dice` has accuracy and format; the third component is never earned."""
    assert cli.main(["show", "dice"]) == 0
    (line,) = [x for x in capsys.readouterr().out.splitlines() if x.startswith("never earned")]
    assert ": component 2 (" in line
