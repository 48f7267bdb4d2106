from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skillofmind.core.errors import DataError
from skillofmind.mind.template import fill, load_template


def test_filling_is_one_pass() -> None:
    fields = {"dialogue": "A: {responder} {skills} {", "responder": "{dialogue}"}
    shown = fill('{dialogue} | {responder} | {other} {"skill": "{responder}"} {}', fields)
    assert shown == 'A: {responder} {skills} { | {dialogue} | {other} {"skill": "{dialogue}"} {}'


@given(st.text(alphabet="{}abc_ ", max_size=30), st.text(alphabet="{}abc_ ", max_size=30))
def test_values_are_put_in_verbatim(one: str, other: str) -> None:
    assert fill("<{a}|{b}>", {"a": one, "b": other}) == f"<{one}|{other}>"


def test_the_planner_prompt_has_the_published_headers_in_order() -> None:
    user = load_template().planner.user
    headers = [line for line in user.split("\n") if line.startswith("#")]
    assert headers == ["### Task Description:", "### Social Context:", "### Dialogue:", "### Explanation: "]
    assert user.endswith("\n\n### Explanation: ")


def test_the_package_uses_each_field() -> None:
    template = load_template()
    for field in ("social_context", "dialogue"):
        assert template.planner.user.count("{" + field + "}") == 1
        assert template.prompted.user.count("{" + field + "}") == 1
    assert "{skills}" in template.prompted.user
    assert "{skills}" not in template.planner.user
    assert "{fault}" in template.prompted.repair
    assert all(mark in template.agent.both for mark in ("{explanation}", "{skill}"))
    assert "{skill}" not in template.agent.explanation
    assert "{explanation}" not in template.agent.skill


def test_a_file_replaces_only_what_it_names(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text('version = 2\n[agent]\nnote = "Grüße"\n', encoding="utf-8")
    base, mine = load_template(), load_template(path)
    assert (mine.agent.note, mine.agent.both, mine.version) == ("Grüße", base.agent.both, 2)
    assert (mine.planner, mine.prompted) == (base.planner, base.prompted)
    assert mine.identity() != base.identity()
    path.write_text('[agent]\nnote = "Moin"\n', encoding="utf-8-sig")
    assert load_template(path).agent.note == "Moin"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[planer]\nuser = 'x'", "section 'planer' is unknown; did you mean 'planner'?"),
        ("[zzz]\n", "section 'zzz' is unknown; known are version, planner, prompted, agent, annotate."),
        ("[planner]\nusr = 'x'", "[planner] key 'usr' is unknown; did you mean 'user'?"),
        ("[planner]\nuser = 3", "Expected `str`, got `int` - at `$.planner.user`; compare with"),
        ("planner = 'x'", "Expected `object`, got `str` - at `$.planner`; compare with"),
        ("[version]\nx = 1", "Expected `int`, got `object` - at `$.version`; compare with"),
        ("planner = [", "not a TOML file in UTF-8"),
    ],
)
def test_a_bad_file_is_refused_in_one_sentence(tmp_path: Path, text: str, says: str) -> None:
    path = tmp_path / "bad.toml"
    path.write_text(text)
    with pytest.raises(DataError) as caught:
        load_template(path)
    assert str(caught.value).startswith(f"{path}: {says}")
    assert "\n" not in str(caught.value)


def test_a_file_that_is_not_utf8_or_not_there_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "latin.toml"
    path.write_bytes(b"# \xff\n")
    with pytest.raises(DataError, match="not a TOML file in UTF-8"):
        load_template(path)
    with pytest.raises(DataError, match=r"none\.toml: cannot be read \(No such file or directory\)"):
        load_template(tmp_path / "none.toml")
