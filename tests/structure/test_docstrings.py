"""Every public name is documented, and every function says what goes in and what comes out."""

import ast
from collections.abc import Iterator

from tests.structure.source import Function, Module, definitions, functions, module, modules, place


def test_every_public_name_has_a_docstring() -> None:
    assert [line for source in modules() for line in undocumented(source)] == []


def test_every_function_is_fully_annotated() -> None:
    assert [line for source in modules() for line in unannotated(source)] == []


def test_undocumented_names_are_found() -> None:
    text = '''
def open(): ...
def _closed(): ...
class Box:
    def lid(self): ...
    def _hinge(self): ...
    def __len__(self): ...
    @overload
    def side(self): ...
class _Hidden:
    def lid(self): ...
def outer():
    """Documented."""
    def inner(): ...
'''
    assert list(undocumented(module("skillofmind.x", text))) == [
        "src/skillofmind/x.py has no docstring",
        "src/skillofmind/x.py:2 open has no docstring",
        "src/skillofmind/x.py:4 Box has no docstring",
        "src/skillofmind/x.py:5 Box.lid has no docstring",
    ]


def test_missing_annotations_are_found() -> None:
    text = "class A:\n    def f(self, x, *rest, y: int, **more) -> int: ...\ndef g(a: int): ...\n"
    assert list(unannotated(module("skillofmind.x", text))) == [
        "src/skillofmind/x.py:2 A.f: x, rest, more",
        "src/skillofmind/x.py:3 g: return",
    ]


def undocumented(source: Module) -> Iterator[str]:
    """Yield the module, classes, functions and methods that are public and say nothing about themselves."""
    if source.text.strip() and ast.get_docstring(source.tree) is None:
        yield f"{source.path} has no docstring"
    for name, node, parents in definitions(source):
        inside_a_function = any(isinstance(parent, Function) for parent in parents)
        if inside_a_function or any(part.startswith("_") for part in name.split(".")) or is_overload(node):
            continue
        if not (ast.get_docstring(node) or "").strip():
            yield f"{place(source, node)} {name} has no docstring"


def is_overload(node: ast.AST) -> bool:
    """Say whether this is one signature of several; the implementation carries the text."""
    return isinstance(node, Function) and any("overload" in ast.unparse(d) for d in node.decorator_list)


def unannotated(source: Module) -> Iterator[str]:
    """Yield functions with the names of arguments that have no type, `return` for the result."""
    methods = {d.node for d in definitions(source) if d.parents and isinstance(d.parents[-1], ast.ClassDef)}
    for name, node in functions(source):
        missing = _missing(node, is_method=node in methods)
        if missing:
            yield f"{place(source, node)} {name}: {', '.join(missing)}"


def _missing(node: Function, *, is_method: bool) -> list[str]:
    given = node.args
    plain = [*given.posonlyargs, *given.args]
    static = any(ast.unparse(d) == "staticmethod" for d in node.decorator_list)
    if is_method and not static:
        plain = plain[1:]
    every = [*plain, *filter(None, [given.vararg]), *given.kwonlyargs, *filter(None, [given.kwarg])]
    missing = [argument.arg for argument in every if argument.annotation is None]
    return missing if node.returns is not None else [*missing, "return"]
