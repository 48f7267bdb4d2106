"""The drawing at the top of core/errors.py is the tree itself, and every error in it is used."""

import ast
import inspect
import re
from typing import NamedTuple

from skillofmind.core import errors
from tests.structure.source import modules

ROOT_ERROR = errors.SkillOfMindError


class Drawn(NamedTuple):
    """One class as the drawing has it: its parent in the tree, and the standard error it refines."""

    parent: str | None
    standard: str | None


def test_the_drawing_is_the_tree() -> None:
    assert drawn(errors.__doc__ or "") == introspected()


def test_every_error_is_raised_or_refined() -> None:
    constructed = {
        node.id
        for source in modules()
        if source.name != errors.__name__
        for statement in ast.walk(source.tree)
        for node in made_in(statement)
    }
    refined = {base.__name__ for kind in tree() for base in kind.__bases__}
    assert {kind.__name__ for kind in tree()} - constructed - refined == set()


def test_every_error_is_one_except_clause_away() -> None:
    assert all(issubclass(kind, ROOT_ERROR) for kind in tree())
    assert len(tree()) == len(introspected())


def test_the_drawing_is_read_with_its_levels() -> None:
    picture = "  Top\n  ├── A (ValueError)   text\n  │   └── B   more\n  └── C (OSError)\n"
    assert drawn(picture) == {
        "Top": Drawn(None, None),
        "A": Drawn("Top", "ValueError"),
        "B": Drawn("A", None),
        "C": Drawn("Top", "OSError"),
    }


def made_in(node: ast.AST) -> list[ast.Name]:
    """Return the names that a node calls, raises or returns: where an error comes into being."""
    places: list[ast.expr | None] = []
    if isinstance(node, ast.Call):
        places = [node.func]
    elif isinstance(node, ast.Raise):
        places = [node.exc]
    elif isinstance(node, ast.Return):
        both = isinstance(node.value, ast.IfExp)
        places = [node.value.body, node.value.orelse] if both else [node.value]  # type: ignore[union-attr]
    return [found for found in places if isinstance(found, ast.Name)]


def tree() -> list[type[BaseException]]:
    """Return the exception classes that errors.py defines."""
    found = [
        kind for _, kind in inspect.getmembers(errors, inspect.isclass) if issubclass(kind, BaseException)
    ]
    return [kind for kind in found if kind.__module__ == errors.__name__]


def introspected() -> dict[str, Drawn]:
    """Return the tree as the classes have it."""
    ours = set(tree())
    found = {}
    for kind in tree():
        parents = [base.__name__ for base in kind.__bases__ if base in ours]
        others = [base.__name__ for base in kind.__bases__ if base not in ours and base is not Exception]
        assert len(parents) + len(others) <= 2, kind
        found[kind.__name__] = Drawn(next(iter(parents), None), next(iter(others), None))
    return found


def drawn(text: str) -> dict[str, Drawn]:
    """Read the drawing: the column of a name says whose child it is."""
    found: dict[str, Drawn] = {}
    above: list[tuple[int, str]] = []
    for line in text.splitlines():
        match = re.match(r"^( +(?:[│├└─ ]*── )?)([A-Z]\w*)(?: \((\w+)\))?(?:  .*)?$", line)
        if not match:
            continue
        column, name = len(match[1]), match[2]
        above = [(other, parent) for other, parent in above if other < column]
        found[name] = Drawn(above[-1][1] if above else None, match[3])
        above.append((column, name))
    return found
