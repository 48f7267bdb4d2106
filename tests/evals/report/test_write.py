"""Reports as files: what is written where, always the same bytes, and safe whatever the data says."""

import base64
import gzip
import hashlib
import re
from pathlib import Path

import msgspec
import pytest

from skillofmind.core.errors import ConfigurationError
from skillofmind.evals.records import Summary
from skillofmind.evals.report import FORMATS, write_report
from skillofmind.evals.report.page import filled, packed
from tests.evals.report.material import ARABIC, EMOJI, HOSTILE, LONG, differences, made, made_runs, odd_run


def unpacked(page: str, name: str) -> bytes:
    found = re.search(f'<script type="text/plain" id="{name}">([^<]*)</script>', page)
    assert found is not None
    return gzip.decompress(base64.b64decode(found[1]))


def test_equal_runs_give_equal_bytes(tmp_path: Path) -> None:
    one, two = tmp_path / "one", tmp_path / "else" / "two"
    for folder in (one, two):
        write_report(folder, made_runs(60), FORMATS)
    assert {path.name for path in one.iterdir()} == {"report.html", "report.md", "report.json"}
    assert all(path.read_bytes() == (two / path.name).read_bytes() for path in one.iterdir())


def test_a_file_name_chooses_one_format(tmp_path: Path) -> None:
    for kind in FORMATS:
        assert write_report(tmp_path / f"x.{kind}", made_runs(20)) == (tmp_path / f"x.{kind}",)
    assert {path.name for path in tmp_path.iterdir()} == {"x.html", "x.md", "x.json"}


def test_json_of_one_run_is_its_summary(tmp_path: Path) -> None:
    [run] = made_runs(20, planners=1)
    write_report(tmp_path / "x.json", [run])
    assert msgspec.json.decode((tmp_path / "x.json").read_bytes(), type=Summary) == run[1]


def test_json_of_several_runs_names_them(tmp_path: Path) -> None:
    runs = made_runs(20)
    write_report(tmp_path / "x.json", runs, between=differences(runs))
    found = msgspec.json.decode((tmp_path / "x.json").read_bytes())
    assert [one["name"] for one in found["runs"]] == ["one", "two"]
    assert {one["second"] for one in found["differences"]} == {"two"}


@pytest.mark.parametrize(
    "text", [HOSTILE, ARABIC, EMOJI, LONG, "{{script}}", "<!-- <script>", "\ud7ff\uffff\x00"]
)
def test_no_text_of_the_data_becomes_markup(tmp_path: Path, text: str) -> None:
    write_report(tmp_path / "x.html", [odd_run(text, "plain")])
    page = (tmp_path / "x.html").read_text("utf-8")
    clean = page[: page.index("<style>")] + re.sub(
        r"<script.*?</script>", "", page[page.index("</style>") :], flags=re.S
    )
    data = len(re.findall('<script type="text/plain" id="(?:head|index|block[0-9]+)">', page))
    assert page.count("</script>") == data + 1 == page.count("<script type=") + 1
    assert "onerror" not in clean.replace("&lt;img src=x onerror=", "")
    told = msgspec.json.decode(unpacked(page, "block0"))
    assert told[1][0]["gold"]["explanation"] == text


def test_the_policy_names_the_script_and_the_style_of_the_page(tmp_path: Path) -> None:
    page = made(tmp_path, count=10).path.read_text("utf-8")
    policy = re.search('Content-Security-Policy" content="([^"]*)"', page)
    assert policy is not None
    for tag in ("script", "style"):
        inside = re.findall(f"<{tag}>(.*?)</{tag}>", page, flags=re.S)
        [digest] = [base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() for text in inside]
        assert f"{tag}-src 'sha256-{digest}'" in policy[1]
    assert "default-src 'none'" in policy[1]
    assert not re.search(r"(?:src|href)=\"(?!data:,|#)", page)


def test_nothing_is_put_into_what_was_put_in() -> None:
    assert filled("<{{a}}|{{b}}>", {"a": "{{b}}", "b": "x"}) == "<{{b}}|x>"


def test_packing_has_no_time() -> None:
    assert base64.b64decode(packed({"a": 1}))[4:8] == bytes(4)


def test_a_report_needs_runs_with_names_of_their_own(tmp_path: Path) -> None:
    [run] = made_runs(4, planners=1)
    with pytest.raises(ConfigurationError, match="at least one run"):
        write_report(tmp_path, [])
    with pytest.raises(ConfigurationError, match="two runs are called 'one'"):
        write_report(tmp_path, [run, run])


def test_the_script_parses_no_markup() -> None:
    folder = Path(__file__).parents[3] / "src" / "skillofmind" / "evals" / "report" / "assets"
    script = "\n".join(path.read_text("utf-8") for path in sorted(folder.glob("*.js")))
    assert not re.search(
        r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function|fetch\(", script
    )
    undocumented = re.findall(r"(?<!\*/\n)^(?:async )?function (\w+)", script, flags=re.M)
    assert undocumented == ["tally"]  # the comment of its cache stands before both
