"""Small functions, small files, small folders; an allowance has a reason and an end."""

import statistics
from collections import Counter

from tests.structure.source import functions, lines_of, module, modules

LONGEST_FUNCTION = 100
MEDIAN_FUNCTION = 12
LONG_FUNCTION = 50
LONGEST_FILE = 500
LARGEST_FOLDER = 12

LONG_FUNCTIONS_ALLOWED: dict[str, str] = {}
"""`module.function` -> reason."""

LARGE_FOLDERS_ALLOWED: dict[str, str] = {}
"""Folder below `src` -> reason."""


def test_no_function_is_longer_than_100_lines() -> None:
    assert set(long_functions()) - set(LONG_FUNCTIONS_ALLOWED) == set()


def test_most_functions_are_short() -> None:
    lengths = sorted(lines_of(node) for source in modules() for _, node in functions(source))
    assert len(lengths) > 100
    assert statistics.median(lengths) <= MEDIAN_FUNCTION
    assert statistics.quantiles(lengths, n=20)[-1] <= LONG_FUNCTION


def test_no_file_is_longer_than_500_lines() -> None:
    assert [s.path for s in modules() if len(s.text.splitlines()) > LONGEST_FILE] == []


def test_no_folder_has_more_than_12_modules() -> None:
    assert set(large_folders()) - set(LARGE_FOLDERS_ALLOWED) == set()


def test_allowances_are_still_needed_and_have_a_reason() -> None:
    assert set(LONG_FUNCTIONS_ALLOWED) <= set(long_functions())
    assert set(LARGE_FOLDERS_ALLOWED) <= set(large_folders())
    assert all({**LONG_FUNCTIONS_ALLOWED, **LARGE_FOLDERS_ALLOWED}.values())


def test_length_counts_from_def_to_the_last_line() -> None:
    source = module(
        "x", "@cache\ndef f():\n    '''Docs.'''\n\n    def g():\n        return 1\n    return g\n"
    )
    assert [(name, lines_of(node)) for name, node in functions(source)] == [("f", 6), ("f.g", 2)]


def long_functions() -> dict[str, int]:
    """Return the functions over the limit with their lengths."""
    found = {f"{s.name}.{name}": lines_of(node) for s in modules() for name, node in functions(s)}
    return {name: length for name, length in found.items() if length > LONGEST_FUNCTION}


def large_folders() -> dict[str, int]:
    """Return the folders over the limit with the number of their modules, `__init__` not counted."""
    folders = Counter(source.path.rpartition("/")[0] for source in modules() if not source.is_package)
    return {folder.removeprefix("src/"): n for folder, n in folders.items() if n > LARGEST_FOLDER}
