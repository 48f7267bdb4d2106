"""Every example in a docstring is run."""

import doctest
import importlib

import pytest

from skillofmind.core.errors import MissingExtra
from tests.structure.source import modules


@pytest.mark.filterwarnings("default")
def test_every_docstring_example_gives_what_it_shows(capsys: pytest.CaptureFixture[str]) -> None:
    examples = failures = 0
    for source in modules():
        try:
            imported = importlib.import_module(source.name)
        except MissingExtra:
            continue
        found = doctest.testmod(imported, optionflags=doctest.ELLIPSIS)
        examples, failures = examples + found.attempted, failures + found.failed
    assert failures == 0, capsys.readouterr().out
    assert examples > 0


def test_every_example_belongs_to_a_module_that_is_run() -> None:
    with_examples = [source.name for source in modules() if ">>> " in source.text]
    finder = doctest.DocTestFinder(exclude_empty=True)
    for name in with_examples:
        assert any(test.examples for test in finder.find(importlib.import_module(name))), name
