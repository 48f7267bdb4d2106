"""The public signatures as text, read from the source, so that they are the same on every Python.

    python -m tests.structure.public_api > tests/structure/public_api.txt

rewrites the snapshot that test_public_face.py compares with; do so only where the change is meant, and say
in CHANGELOG.md what users have to change.
"""

import ast
import importlib
import sys
from collections.abc import Iterator
from functools import cache

import skillofmind
from tests.structure.source import Function, Module, modules


def public_api() -> str:
    """Return one paragraph a public name: bases, fields, methods, parameters."""
    return "\n".join("\n".join(described(name)) + "\n" for name in sorted(skillofmind.__all__))


def described(name: str) -> Iterator[str]:
    """Yield the lines of one public name."""
    if name == "__version__":
        yield "__version__: str"
        return
    home = getattr(skillofmind, name).__module__
    for node in _module(home).tree.body:
        if isinstance(node, Function) and node.name == name:
            yield f"{home}: {_signature(node)}"
        if isinstance(node, ast.ClassDef) and node.name == name:
            yield f"{home}: {_class_line(node)}"
            yield from _members(node)


@cache
def _module(name: str) -> Module:
    importlib.import_module(name)
    return next(source for source in modules() if source.name == name)


def _class_line(node: ast.ClassDef) -> str:
    given = [ast.unparse(base) for base in node.bases]
    given += [f"{word.arg}={ast.unparse(word.value)}" for word in node.keywords]
    return f"class {node.name}({', '.join(given)})"


def _members(node: ast.ClassDef) -> Iterator[str]:
    for line in node.body:
        if isinstance(line, ast.AnnAssign) and not ast.unparse(line.target).startswith("_"):
            yield f"    {ast.unparse(line)}"
        if isinstance(line, Function) and (not line.name.startswith("_") or line.name.endswith("__")):
            marks = [ast.unparse(mark) for mark in line.decorator_list]
            yield "    " + "".join(f"@{mark} " for mark in marks) + _signature(line)


def _signature(node: Function) -> str:
    result = f" -> {ast.unparse(node.returns)}" if node.returns else ""
    kind = "async def" if isinstance(node, ast.AsyncFunctionDef) else "def"
    return f"{kind} {node.name}({ast.unparse(node.args)}){result}"


if __name__ == "__main__":
    sys.stdout.write(public_api())
