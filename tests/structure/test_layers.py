"""The layer law: an arrow points from what is imported to who imports it.

core <- run <- models, data, scorers, sandbox <- mind, strategies, modeling, train <- agents, evals, adapters
     <- serve, papers <- cli
"""

import ast
from collections.abc import Iterator

from tests.structure.source import PACKAGE, Module, module, modules, place

LEVELS = (
    ("core",),
    ("run",),
    ("models", "data", "scorers", "sandbox"),
    ("mind", "strategies", "modeling", "train"),
    ("agents", "evals", "adapters"),
    ("serve", "papers", "catalog"),
    ("cli",),
    ("__main__",),  # `python -m skillofmind`
)
LEVEL_OF = {room: level for level, rooms in enumerate(LEVELS) for room in rooms}

EXCEPTIONS: dict[tuple[str, str], str] = {}
"""(importing module, imported room) -> why the law does not hold there."""

TORCH = {"torch", "transformers", "safetensors", "tokenizers", "peft", "accelerate"}
TORCH_ROOMS = ("models.local", "modeling", "train", "papers")


class TestLaw:
    def test_every_room_has_a_level(self) -> None:
        rooms = {room_of(source.name) for source in modules()} - {""}
        assert rooms <= set(LEVEL_OF)

    def test_imports_point_down(self) -> None:
        broken = [line for source in modules() for line in breaches(source)]
        assert broken == []

    def test_exceptions_are_still_needed(self) -> None:
        used = {
            (source.name, room_of(target))
            for source in modules()
            for target, _ in imports(source)
            if not allowed(room_of(source.name), room_of(target))
        }
        assert set(EXCEPTIONS) - used == set()
        assert all(EXCEPTIONS.values())

    def test_torch_stays_in_its_rooms(self) -> None:
        broken = [line for source in modules() for line in torch_breaches(source)]
        assert broken == []

    def test_only_the_front_package_is_imported_for_its_version_alone(self) -> None:
        """Inside the package every name is imported from its home, not from the public face."""
        broken = [
            f"{place(source, node)} imports {alias.name} from the public face"
            for source in modules()
            for node in ast.walk(source.tree)
            if isinstance(node, ast.ImportFrom) and node.module == PACKAGE
            for alias in node.names
            if alias.name != "__version__"
        ]
        assert broken == []


class TestCheck:
    """The checks find what they are there to find."""

    def test_an_import_that_points_up_is_found(self) -> None:
        assert breaches(module("skillofmind.core.x", "from skillofmind.run.log import AppendLog")) == [
            "src/skillofmind/core/x.py:1 core may not import run (skillofmind.run.log.AppendLog)"
        ]

    def test_an_import_that_points_sideways_is_found(self) -> None:
        assert len(breaches(module("skillofmind.data.x", "import skillofmind.models.http"))) == 1

    def test_nested_typed_relative_and_named_imports_are_seen(self) -> None:
        text = """
def inside():
    from skillofmind.models import http
if TYPE_CHECKING:
    import skillofmind.mind.embedded
from ..cli import main
importlib.import_module("skillofmind.serve.app")
importlib.import_module(f"skillofmind.papers.{name}")
"""
        found = breaches(module("skillofmind.run.x", text))
        assert [line.split(" may not import ")[1].split()[0] for line in found] == [
            "models",
            "mind",
            "cli",
            "serve",
            "papers",
        ]

    def test_nothing_may_import_papers(self) -> None:
        assert len(breaches(module("skillofmind.cli.x", "import skillofmind.papers.thanos"))) == 1
        assert breaches(module("skillofmind.papers.x", "import skillofmind.papers.card")) == []

    def test_torch_outside_its_rooms_is_found(self) -> None:
        nested = "def f():\n    import torch.nn"
        assert len(torch_breaches(module("skillofmind.mind.x", nested))) == 1
        assert torch_breaches(module("skillofmind.models.local.x", nested)) == []
        assert (
            len(torch_breaches(module("skillofmind.models.http", "from transformers import pipeline"))) == 1
        )


def breaches(source: Module) -> list[str]:
    """Return the imports of `source` that the law forbids."""
    room = room_of(source.name)
    found = []
    for target, node in imports(source):
        to = room_of(target)
        if not allowed(room, to) and (source.name, to) not in EXCEPTIONS:
            found.append((node.lineno, f"{place(source, node)} {room} may not import {to} ({target})"))
    return [line for _, line in sorted(found)]


def allowed(room: str, target: str) -> bool:
    """Say whether `room` may import from `target`; "" is the package itself, the public face."""
    if target == "papers" and room != "papers":
        return False
    if "" in (room, target) or room == target:
        return True
    return LEVEL_OF[target] < LEVEL_OF[room]


def torch_breaches(source: Module) -> list[str]:
    """Return the imports of torch and what stands on it in a room that must do without."""
    inner = source.name.removeprefix(f"{PACKAGE}.")
    if inner.startswith(TORCH_ROOMS):
        return []
    return [
        f"{place(source, node)} imports {target}"
        for target, node in imports(source, own=False)
        if target.partition(".")[0] in TORCH
    ]


def room_of(name: str) -> str:
    """Return the room of a dotted name of the package."""
    rest = name.removeprefix(PACKAGE).lstrip(".")
    return rest.partition(".")[0] if rest.partition(".")[0] in LEVEL_OF or "." in rest else _front(rest)


def _front(rest: str) -> str:
    """Map a name of the public face (such as `__version__`) to ""; an unknown room stays visible."""
    is_room = any(source.name == f"{PACKAGE}.{rest}" for source in modules())
    return rest if is_room else ""


def imports(source: Module, *, own: bool = True) -> Iterator[tuple[str, ast.stmt | ast.expr]]:
    """Yield the dotted name of everything imported, wherever the import stands.

    Args:
        source: the module to read.
        own: only names of the package, or only all others.
    """
    for node in ast.walk(source.tree):
        for target in _targets(source, node):
            if (target == PACKAGE or target.startswith(f"{PACKAGE}.")) is own:
                assert isinstance(node, ast.stmt | ast.expr)
                yield target, node


def _targets(source: Module, node: ast.AST) -> list[str]:
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if isinstance(node, ast.ImportFrom):
        base = _base(source, node)
        return [f"{base}.{alias.name}" for alias in node.names]
    if isinstance(node, ast.Call) and node.args and "import_module" in ast.unparse(node.func):
        name = node.args[0]
        first = name.values[0] if isinstance(name, ast.JoinedStr) else name
        return [first.value] if isinstance(first, ast.Constant) and isinstance(first.value, str) else []
    return []


def _base(source: Module, node: ast.ImportFrom) -> str:
    if not node.level:
        return node.module or ""
    above = source.name.split(".")
    above = above[: len(above) - node.level + source.is_package]
    return ".".join([*above, *([node.module] if node.module else [])])
