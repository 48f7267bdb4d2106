"""What `import skillofmind` offers: the export list, the lazy table and the pinned signatures agree."""

import ast
from pathlib import Path

import pytest

import skillofmind
from tests.structure.public_api import described, public_api
from tests.structure.source import modules

SNAPSHOT = Path(__file__).with_name("public_api.txt")
REWRITE = "python -m tests.structure.public_api > tests/structure/public_api.txt"


def test_the_export_list_is_what_the_lazy_table_serves() -> None:
    assert set(skillofmind.__all__) == {*skillofmind._HOMES, "__version__"}
    assert len(skillofmind.__all__) == len(set(skillofmind.__all__))


def test_type_checkers_see_the_same_names() -> None:
    face = next(source for source in modules() if source.name == "skillofmind")
    typed = next(node for node in face.tree.body if isinstance(node, ast.If))
    seen = {
        alias.name: node.module
        for node in typed.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    assert seen == skillofmind._HOMES


@pytest.mark.parametrize("name", skillofmind.__all__)
def test_every_export_is_there_and_at_home(name: str) -> None:
    found = getattr(skillofmind, name)
    assert name == "__version__" or found.__module__ == skillofmind._HOMES[name]


def test_dir_shows_the_exports() -> None:
    assert set(skillofmind.__all__) <= set(dir(skillofmind))


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'Plam'"):
        _ = skillofmind.Plam


def test_public_signatures_are_as_pinned() -> None:
    assert public_api() == SNAPSHOT.read_text("utf-8"), (
        f"a public signature changed; if it is meant: {REWRITE}"
    )


def test_the_snapshot_shows_fields_and_methods() -> None:
    lines = list(described("Dialogue"))
    assert lines[0] == "skillofmind.core.dialogue: class Dialogue(Record, frozen=True)"
    assert "    turns: tuple[Turn, ...]" in lines
    assert "    def next_speaker(self) -> str" in lines
