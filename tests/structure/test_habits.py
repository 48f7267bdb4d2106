"""What does not stand in this code: print, silent excepts, vague names, pickle, eval, notes to self."""

import ast
import re
from collections.abc import Callable, Iterator

import pytest

from tests.structure.source import (
    ROOT,
    Definition,
    Module,
    committed,
    definitions,
    module,
    modules,
    parsed,
    place,
)

VAGUE_MODULES = {"util", "utils", "common", "commons", "helper", "helpers", "misc", "tools_misc", "stuff"}
VAGUE_CLASS = re.compile(r"(Manager|Handler|Helper|Engine)$")
UNSAFE_MODULES = {"pickle", "cloudpickle", "dill", "marshal", "shelve", "joblib"}
UNSAFE_CALLS = {"eval", "exec", "compile", "__import__"}
NOTE_TO_SELF = re.compile(r"\b(" + "|".join(("TO" + "DO", "FIX" + "ME", "X" * 3, "HA" + "CK")) + r")\b")


def prints(source: Module) -> Iterator[str]:
    """Output goes to a named stream, so that a pipe gets data only."""
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Call) and ast.unparse(node.func) in ("print", "builtins.print"):
            yield f"{place(source, node)} print"


def silences(source: Module) -> Iterator[str]:
    """An error is translated, kept as data or let through; it does not vanish."""
    for node in ast.walk(source.tree):
        if isinstance(node, ast.ExceptHandler):
            if node.type is None:
                yield f"{place(source, node)} bare except"
            if all(isinstance(line, ast.Pass) or ast.unparse(line) == "..." for line in node.body):
                yield f"{place(source, node)} except and pass"
        if isinstance(node, ast.Call) and ast.unparse(node.func).endswith("suppress"):
            wide = {"Exception", "BaseException"} & {ast.unparse(name) for name in node.args}
            if wide:
                yield f"{place(source, node)} suppress({', '.join(wide)})"


def vague_names(source: Module) -> Iterator[str]:
    """A name says what the thing is about."""
    last = source.name.rpartition(".")[2]
    if last in VAGUE_MODULES:
        yield f"{source.path} is called {last}"
    for found in definitions(source):
        vague = isinstance(found.node, ast.ClassDef) and VAGUE_CLASS.search(found.node.name)
        if vague and not owns_a_resource(found.node):
            yield f"{place(source, found.node)} class {found.node.name}"


def owns_a_resource(node: Definition) -> bool:
    """Say whether a class has `close()`, which makes the name honest."""
    return any(
        isinstance(line, ast.FunctionDef | ast.AsyncFunctionDef) and line.name == "close"
        for line in node.body
    )


def unsafe(source: Module) -> Iterator[str]:
    """Nothing turns data into code."""
    for node in ast.walk(source.tree):
        names = []
        if isinstance(node, ast.Import):
            names = [alias.name.partition(".")[0] for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names = [(node.module or "").partition(".")[0]]
        if UNSAFE_MODULES & set(names):
            yield f"{place(source, node)} imports {names[0]}"  # type: ignore[arg-type]
        if isinstance(node, ast.Call):
            called = ast.unparse(node.func)
            if called in UNSAFE_CALLS:
                yield f"{place(source, node)} {called}"
            if called.endswith("torch.load") and "weights_only=True" not in ast.unparse(node):
                yield f"{place(source, node)} torch.load without weights_only=True"


@pytest.mark.parametrize("rule", [prints, silences, vague_names, unsafe])
def test_the_package_keeps_the_rule(rule: Callable[[Module], Iterator[str]]) -> None:
    assert [breach for source in modules() for breach in rule(source)] == []


def test_tests_and_benchmarks_have_no_vague_names_either() -> None:
    others = [*parsed(ROOT / "tests"), *parsed(ROOT / "benchmarks")]
    assert [breach for source in others for breach in vague_names(source)] == []


def test_there_are_no_notes_to_self() -> None:
    texts = [
        path
        for path in committed()
        if path.suffix in (".py", ".md", ".toml", ".yaml", ".yml", ".html", ".js")
    ]
    found = [
        f"{path.relative_to(ROOT)}:{number} {line.strip()[:80]}"
        for path in texts
        for number, line in enumerate(path.read_text("utf-8").splitlines(), 1)
        if NOTE_TO_SELF.search(line)
    ]
    assert found == []


@pytest.mark.parametrize(
    ("rule", "text", "breaches"),
    [
        (prints, "def f():\n    print(1)\nout.print(2)", 1),
        (silences, "try:\n    f()\nexcept:\n    g()", 1),
        (silences, "try:\n    f()\nexcept KeyError:\n    pass", 1),
        (silences, "with contextlib.suppress(Exception):\n    f()", 1),
        (silences, "with suppress(TimeoutError):\n    f()\ntry:\n    f()\nexcept KeyError:\n    g()", 0),
        (vague_names, "class RunManager:\n    def go(self): ...", 1),
        (vague_names, "class EventHandler:\n    def close(self): ...", 0),
        (unsafe, "import pickle\nfrom joblib import load\neval('1')\nexec('1')\nmodel.eval()", 4),
        (unsafe, "torch.load(path)\ntorch.load(path, weights_only=True)", 1),
    ],
)
def test_the_rules_find_their_breaches(
    rule: Callable[[Module], Iterator[str]], text: str, breaches: int
) -> None:
    assert len(list(rule(module("skillofmind.x", text)))) == breaches


def test_a_vague_module_name_is_found() -> None:
    assert list(vague_names(module("skillofmind.core.utils", ""))) == [
        "src/skillofmind/core/utils.py is called utils"
    ]


def test_a_note_to_self_is_found() -> None:
    assert NOTE_TO_SELF.search("# TO" + "DO: later")
    assert not NOTE_TO_SELF.search("todos are text too")
