"""The source tree as the structural tests see it: parsed modules, their functions, the committed files."""

import ast
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[2]
SRC = ROOT / "src"
PACKAGE = "skillofmind"

Function = ast.FunctionDef | ast.AsyncFunctionDef
Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


class Module(NamedTuple):
    """One parsed file: dotted name, path below the root, text and syntax tree."""

    name: str
    path: str
    text: str
    tree: ast.Module

    @property
    def is_package(self) -> bool:
        return self.path.endswith("__init__.py")


class Named(NamedTuple):
    """A class or function with its dotted name in the module and what it is defined in."""

    name: str
    node: Definition
    parents: tuple[ast.AST, ...]


def module(name: str, text: str, path: str = "") -> Module:
    """Parse one module; a test makes its counterexamples with it."""
    return Module(name, path or f"src/{name.replace('.', '/')}.py", text, ast.parse(text))


def parsed(folder: Path) -> tuple[Module, ...]:
    """Parse every file below `folder`, which lies in the repository."""
    found = []
    for file in sorted(folder.rglob("*.py")):
        path = file.relative_to(ROOT).as_posix()
        parts = file.relative_to(SRC if file.is_relative_to(SRC) else ROOT).with_suffix("").parts
        name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
        found.append(module(name, file.read_text("utf-8"), path))
    return tuple(found)


@cache
def modules() -> tuple[Module, ...]:
    """Every module of the package."""
    return parsed(SRC / PACKAGE)


def definitions(source: Module) -> Iterator[Named]:
    """Yield every class and function, nested ones included."""

    def walk(node: ast.AST, prefix: str, parents: tuple[ast.AST, ...]) -> Iterator[Named]:
        for child in ast.iter_child_nodes(node):
            if isinstance(child, Definition):
                yield Named(prefix + child.name, child, parents)
                yield from walk(child, f"{prefix}{child.name}.", (*parents, child))
            else:
                yield from walk(child, prefix, parents)

    return walk(source.tree, "", ())


def functions(source: Module) -> Iterator[tuple[str, Function]]:
    """Yield every function and method with its dotted name."""
    return ((found.name, found.node) for found in definitions(source) if isinstance(found.node, Function))


def lines_of(node: Definition) -> int:
    """Count the lines from `def` to the end, docstring included."""
    assert node.end_lineno is not None
    return node.end_lineno - node.lineno + 1


def place(source: Module, node: ast.expr | ast.stmt | ast.excepthandler) -> str:
    """Return `path:line`."""
    return f"{source.path}:{node.lineno}"


@cache
def committed() -> tuple[Path, ...]:
    """Every file that git tracks or would track; all files of an unpacked archive."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        check=False,
    )
    if listed.returncode:
        hidden = {".git", ".venv", "__pycache__"}
        return tuple(sorted(p for p in ROOT.rglob("*") if p.is_file() and not hidden & set(p.parts)))
    names = listed.stdout.decode().split("\0")
    return tuple(sorted(ROOT / name for name in set(names) if name and (ROOT / name).is_file()))
