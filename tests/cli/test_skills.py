"""`som skills`: the taxonomy, readable."""

from pathlib import Path

import msgspec
import pytest

from skillofmind.core.skill import Skill
from skillofmind.mind.taxonomy import load_taxonomy
from tests.cli.som import SKILLS, Here, som


def test_all_skills_stand_under_their_categories(here: Here) -> None:
    result = here("skills")
    assert (result.code, result.err) == (0, "")
    lines = result.out.splitlines()
    taxonomy = load_taxonomy()
    assert lines[0] == f"{len(SKILLS)} skills in {len(taxonomy.categories)} categories"
    assert [name for name in SKILLS if sum(line.startswith(f"  {name}  ") for line in lines) != 1] == []
    assert set(taxonomy.categories) <= set(lines)


@pytest.mark.parametrize(
    "name",
    ["image sharing", "IMAGE-SHARING", "Image–Sharing", load_taxonomy().get("Image-Sharing").names["ko"]],
)
def test_a_skill_is_found_by_any_spelling(here: Here, name: str) -> None:
    result = here("skills", name)
    assert result.code == 0
    assert result.out.startswith("Image-Sharing  (")
    assert result.out.count("\n") == 5


def test_korean_names(here: Here) -> None:
    result = here("skills", "--lang", "ko")
    for skill in load_taxonomy().skills:
        assert skill.names["ko"] in result.out
    assert here("skills", "Empathy", "--lang", "ko").out.startswith(
        load_taxonomy().get("Empathy").label("ko")
    )


def test_json_is_one_skill_a_line(here: Here) -> None:
    result = here("skills", "--json")
    skills = [msgspec.json.decode(line, type=Skill) for line in result.out.splitlines()]
    assert tuple(skills) == load_taxonomy().skills
    one = here("skills", "empathy", "--json")
    assert [msgspec.json.decode(line, type=Skill).name for line in one.out.splitlines()] == ["Empathy"]


def test_the_file_that_is_shown_is_a_taxonomy(tmp_path: Path) -> None:
    file = tmp_path / "my.toml"
    file.write_text(som("skills", "--show-file").out, encoding="utf-8")
    assert load_taxonomy(file).identity() == load_taxonomy().identity()
    edited = tmp_path / "edited.toml"
    edited.write_text(
        file.read_text(encoding="utf-8").replace('name = "Echoing"', 'name = "Mirroring Words"')
    )
    result = som("skills", "mirroring words", "--taxonomy", edited)
    assert result.out.startswith("Mirroring Words")
