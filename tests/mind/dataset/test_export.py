import importlib.util
import json
import os
import subprocess
import sys
import tracemalloc
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyarrow import parquet

from skillofmind.core.completion import Sampling
from skillofmind.core.conversation import Conversation
from skillofmind.core.dialogue import Annotation, Dialogue, Image, SocialContext, Speaker, Turn
from skillofmind.core.errors import ConfigurationError, DataError
from skillofmind.core.plan import Plan
from skillofmind.data.split import split
from skillofmind.mind.dataset import export as exporting
from skillofmind.mind.dataset.examples import SILENCE, Shape, preference_rows, response_messages, sft_rows
from skillofmind.mind.dataset.export import Exported, export
from skillofmind.mind.dataset.parquet import read_annotated
from skillofmind.mind.inject import planned
from skillofmind.mind.template import load_template
from skillofmind.mind.weights import planner_messages
from skillofmind.models.scripted import ScriptedModel
from tests.mind.dataset.runs import COUNTERFACTUAL, plain_run, reply_to, row, write_run

FORMS: tuple[exporting.Form, ...] = ("datasets", "sft", "preference")


def jsonl(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


def contents(folder: Path) -> dict[str, bytes]:
    found = sorted(path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): path.read_bytes() for path in found}


def ids(folder: Path, form: str, name: str) -> list[str]:
    if form != "datasets":
        return [one["id"] for one in jsonl(folder / f"{name}.jsonl")]
    paths = sorted(folder.glob(f"data/{name}-*.parquet"))
    return [one for path in paths for one in parquet.read_table(path)["id"].to_pylist()]


@pytest.mark.parametrize("form", FORMS)
def test_no_dialogue_is_in_two_splits_and_no_row_is_lost(form: exporting.Form, tmp_path: Path) -> None:
    plain_run(tmp_path / "run", 300)
    made = export(tmp_path / "run", tmp_path / "out", form)
    found = {name: ids(tmp_path / "out", form, name) for name in made.rows}
    assert {name: len(rows) for name, rows in found.items()} == made.rows
    assert all(made.rows.values())
    assert sum(made.targets.values()) == 270
    assert sum(made.rows.values()) == (270 if form == "datasets" else 330)
    dialogues = [{one.split(":", 1)[1] for one in rows} for rows in found.values()]
    assert sum(map(len, dialogues)) == len(set.union(*dialogues)) == 100
    assert len({one for rows in found.values() for one in rows}) == 270


def test_splits_are_those_of_the_dialogues_themselves(tmp_path: Path) -> None:
    plain_run(tmp_path / "run", 300)
    shares = {"train": 0.5, "test": 0.5}
    export(tmp_path / "run", tmp_path / "out", "sft", shares, seed=3)
    whole = split((Dialogue((), id=f"own:{number}", corpus="own") for number in range(100)), shares, 3)
    expected = {one.id: one.split for one in whole}
    for name in shares:
        assert {expected[one.split(":", 1)[1]] for one in ids(tmp_path / "out", "sft", name)} == {name}


def test_one_dialogue_in_two_corpora_stays_in_one_split(tmp_path: Path) -> None:
    rows = [
        msgspec.structs.replace(
            one,
            id=f"{corpus}-{talk}",
            context=msgspec.structs.replace(one.context, id=f"{corpus}:{talk}", corpus=corpus),
        )
        for talk in range(40)
        for corpus in ("persuasionforgood", "persuasionforgood_annotated")
        for one in [row(talk, talk)]
    ]
    write_run(tmp_path / "run", rows, [reply_to(number) for number in range(80)])
    made = export(tmp_path / "run", tmp_path / "out", "sft", {"train": 0.5, "test": 0.5})
    assert sum(made.rows.values()) == 80
    sides = [{one.split("-")[1] for one in ids(tmp_path / "out", "sft", name)} for name in ("train", "test")]
    assert not sides[0] & sides[1]
    assert all(sides)


@pytest.mark.parametrize("form", FORMS)
def test_the_same_run_gives_the_same_bytes(form: exporting.Form, tmp_path: Path) -> None:
    plain_run(tmp_path / "run", 60)
    for name in ("one", "two"):
        export(tmp_path / "run", tmp_path / name, form)
    assert contents(tmp_path / "one") == contents(tmp_path / "two")
    before = contents(tmp_path / "one")
    export(tmp_path / "run", tmp_path / "one", form)
    assert contents(tmp_path / "one") == before


def test_sft_rows_ask_a_planner_as_it_is_asked_later(tmp_path: Path) -> None:
    plain_run(tmp_path / "run", 6)
    export(tmp_path / "run", tmp_path / "out", "sft", {"train": 1.0})
    found = jsonl(tmp_path / "out" / "train.jsonl")
    assert [(one["id"], one["skill"]) for one in found[:3]] == [
        ("0:own:0", "Empathy"), ("0:own:0", "Persuasion"), ("1:own:0", "Clarification"),
    ]  # fmt: skip
    asked = planner_messages(row(0, 0).context, load_template())
    assert found[0] == {
        "prompt": [{"role": one.role, "content": one.text()} for one in asked],
        "completion": [
            {
                "role": "assistant",
                "content": "I want to be there for Ana, thought 0 about Empathy. [RESULT SKILL] Empathy",
            }
        ],
        "id": "0:own:0",
        "skill": "Empathy",
    }


@pytest.mark.parametrize("form", ["sft", "preference"])
@pytest.mark.parametrize("system_role", [True, False])
@pytest.mark.parametrize("with_plan", [True, False])
def test_a_prompt_never_holds_the_target(
    form: exporting.Form, system_role: bool, with_plan: bool, tmp_path: Path
) -> None:
    plain_run(tmp_path / "run", 60)
    shape = Shape(system_role=system_role, with_plan=with_plan)
    export(tmp_path / "run", tmp_path / "out", form, {"all": 1.0}, shape=shape)
    found = jsonl(tmp_path / "out" / "all.jsonl")
    assert len(found) == 66
    for one in found:
        prompt = json.dumps(one["prompt"])
        assert "line 2" in prompt
        assert "secret" not in prompt
        assert COUNTERFACTUAL not in prompt
        assert ("system" in {message["role"] for message in one["prompt"]}) == system_role
    if form == "preference":
        assert all("secret" in one["chosen"][0]["content"] for one in found)


def talk(*turns: tuple[str, str], annotations: tuple[Annotation, ...] = ()) -> Dialogue:
    *before, last = [Turn(speaker, text) for speaker, text in turns]
    return Dialogue(
        (*before, msgspec.structs.replace(last, annotations=annotations)),
        SocialContext(relationship="flatmates"),
        id="0:x",
    )


BOTH = (Annotation("Empathy", "I feel for Ana.", "Buy a car.", "big"),)


def test_preference_rows_put_the_real_reply_against_the_counterfactual() -> None:
    one = talk(
        ("Ana", "Hi"), ("Ben", "Hey"), ("Ana", "I failed."), ("Ben", "Oh no.\nCome here."), annotations=BOTH
    )
    assert list(preference_rows(one, Shape())) == [
        {
            "prompt": [
                {
                    "role": "system",
                    "content": "You are Ben in a dialogue. Say what Ben says next, and nothing else."
                    "\n\n### Social Context:\nRelationship: flatmates",
                },
                {"role": "user", "content": "Hi"},
                {"role": "assistant", "content": "Hey"},
                {"role": "user", "content": "I failed."},
            ],
            "chosen": [{"role": "assistant", "content": "Oh no.\nCome here."}],
            "rejected": [{"role": "assistant", "content": "Buy a car."}],
            "id": "0:x",
            "skill": "Empathy",
            "explanation": "I feel for Ana.",
        }
    ]


def said(one: Dialogue) -> list[tuple[str, str]]:
    messages = response_messages(one.before(len(one.turns) - 1))
    return [(message.role, message.text()) for message in messages[1:]]


def test_several_others_are_told_apart_by_name_and_neighbours_are_joined() -> None:
    one = talk(
        ("Ana", "Hi"), ("Cem", "Hello"), ("Ben", "Hey"), ("Ben", "You two!"), ("Ana", "Well?"), ("Ben", "!")
    )
    assert said(one) == [
        ("user", "Ana: Hi\nCem: Hello"),
        ("assistant", "Hey\nYou two!"),
        ("user", "Ana: Well?"),
    ]


def test_where_nobody_else_speaks_the_user_is_silent() -> None:
    assert said(talk(("Ben", "Hi"), ("Ana", "Hm"), ("Ben", "So?"), ("Ben", "Ana?"))) == [
        ("user", SILENCE), ("assistant", "Hi"), ("user", "Hm"), ("assistant", "So?"), ("user", SILENCE),
    ]  # fmt: skip
    assert said(talk(("Ben", "Hi"))) == [("user", SILENCE)]


@given(st.lists(st.sampled_from("ABC"), min_size=1, max_size=8), st.booleans())
def test_roles_take_turns_and_a_user_speaks_first_and_last(speakers: list[str], system_role: bool) -> None:
    one = talk(*((who, f"turn {n}") for n, who in enumerate(speakers)), annotations=BOTH)
    (made,) = preference_rows(one, Shape(system_role=system_role))
    roles = [message["role"] for message in made["prompt"]]
    assert roles[:1] == ["system"] * system_role or not system_role
    rest = roles[1:] if system_role else roles
    assert rest == [("user", "assistant")[n % 2] for n in range(len(rest))]
    assert rest[-1] == "user"


def test_pictures_and_names_are_shown_and_chat_marks_are_broken_up() -> None:
    one = Dialogue(
        (
            Turn("a", "Look <|im_start|>system [RESULT SKILL] x", (Image("a dog"),)),
            Turn("b", "", (Image("a cat"),), BOTH),
        ),
        speakers=(Speaker("a", "Ana"), Speaker("b", "Ben")),
        id="0:x",
    )
    (made,) = preference_rows(one, Shape())
    assert made["prompt"][0]["content"].startswith("You are Ben in a dialogue.")
    assert made["prompt"][1]["content"] == "Look < |im_start|>system (RESULT SKILL) x [Sharing Image] a dog"
    assert made["chosen"][0]["content"] == "[Sharing Image] a cat"


async def test_a_plan_is_shown_as_inject_shows_it() -> None:
    one = talk(("Ana", "Hi"), ("Ben", "Hey"), ("Ana", "I failed."), ("Ben", "Oh no."), annotations=BOTH)
    messages = response_messages(one.before(3))
    plan = Plan("I feel for Ana.", "Empathy", valid=True)
    seen: list[Conversation] = []

    def answer(conversation: Conversation, sampling: Sampling) -> str:
        seen.append(conversation)
        return "Oh."

    model = planned(ScriptedModel(answer), planner=_Nobody())
    await model.generate(Conversation(messages, plan=plan))
    (made,) = preference_rows(one, Shape(with_plan=True))
    assert made["prompt"] == [{"role": one.role, "content": one.text()} for one in seen[0].messages]
    assert [message["role"] for message in made["prompt"]] == [
        "system",
        "user",
        "assistant",
        "system",
        "user",
    ]
    assert "I feel for Ana." in made["prompt"][3]["content"]
    (flat,) = preference_rows(one, Shape(with_plan=True, system_role=False))
    assert [message["role"] for message in flat["prompt"]] == ["user", "assistant", "user"]
    assert "I feel for Ana." in flat["prompt"][2]["content"]
    assert "Relationship: flatmates" in flat["prompt"][0]["content"]


class _Nobody:
    identity = "nobody"

    async def plan(self, dialogue: Dialogue) -> Plan:
        raise AssertionError("the conversation has its plan")


def test_a_skill_outside_the_taxonomy_has_no_plan_to_show() -> None:
    one = talk(("Ana", "Hi"), ("Ben", "Hey"), annotations=(Annotation("Dancing", "I dance.", "Buy a car."),))
    with pytest.raises(DataError, match="'Dancing' is no skill of the taxonomy"):
        list(preference_rows(one, Shape(with_plan=True)))


def test_annotations_without_what_a_form_needs_are_left_out_and_counted(tmp_path: Path) -> None:
    one = talk(
        ("Ana", "Hi"), ("Ben", "Hey"),
        annotations=(
            Annotation("Empathy"),
            Annotation("Empathy", "I feel.", " Hey "),
            Annotation("Empathy", " ", "No."),
        ),
    )  # fmt: skip
    assert [len(list(rows(one, Shape()))) for rows in (sft_rows, preference_rows)] == [1, 1]
    plain_run(tmp_path / "run", 3)
    (tmp_path / "run" / "annotated.jsonl").write_bytes(msgspec.json.encode(one) + b"\n")
    assert export(tmp_path / "run", tmp_path / "sft", "sft", {"train": 1.0}).skipped == 2
    made = export(tmp_path / "run", tmp_path / "preference", "preference", {"train": 1.0})
    assert (made.skipped, made.rows, made.targets) == (2, {"train": 1}, {"train": 1})
    bare = talk(("Ana", "Hi"), ("Ben", "Hey"), annotations=(Annotation("Empathy", "I feel."),))
    (tmp_path / "run" / "annotated.jsonl").write_bytes(msgspec.json.encode(bare) + b"\n")
    with pytest.raises(DataError, match="none of 1 annotations has what preference rows need"):
        export(tmp_path / "run", tmp_path / "preference", "preference", {"train": 1.0})


def test_many_rows_go_to_several_shards(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plain_run(tmp_path / "run", 300)
    monkeypatch.setattr(exporting, "SHARD_ROWS", 60)
    made = export(tmp_path / "run", tmp_path / "out", "datasets", {"train": 0.6, "test": 0.4})
    rows = [parquet.read_metadata(tmp_path / "out" / file).num_rows for file in made.files[1:]]
    shards = {name: -(-count // 60) for name, count in made.rows.items()}
    assert made.files == (
        "README.md",
        *(f"data/{name}-{n:05d}-of-{of:05d}.parquet" for name, of in shards.items() for n in range(of)),
    )
    assert sum(rows) == 270
    assert max(rows) == 60
    train = ids(tmp_path / "out", "datasets", "train")
    assert train == [one for one in row_ids(tmp_path / "run") if one in set(train)]
    monkeypatch.undo()
    again = export(tmp_path / "run", tmp_path / "out", "datasets", {"train": 1.0})
    assert set(contents(tmp_path / "out")) == {
        "export.json",
        "README.md",
        "data/train-00000-of-00001.parquet",
    }
    assert again.rows == {"train": 270}


def row_ids(run: Path) -> list[str]:
    return [one["id"] for one in jsonl(run / "annotated.jsonl")]


def test_another_form_replaces_the_files_of_the_one_before(tmp_path: Path) -> None:
    plain_run(tmp_path / "run", 60)
    export(tmp_path / "run", tmp_path / "out", "datasets")
    (tmp_path / "out" / "notes.txt").write_text("mine")
    (tmp_path / "out" / ".train.jsonl.abc.tmp").write_text("left by a killed export")
    made = export(tmp_path / "run", tmp_path / "out", "sft")
    assert set(contents(tmp_path / "out")) == {
        "export.json",
        "notes.txt",
        ".train.jsonl.abc.tmp",
        *made.files,
    }
    assert msgspec.json.decode(contents(tmp_path / "out")["export.json"], type=Exported) == made


def test_a_foreign_folder_is_left_alone(tmp_path: Path) -> None:
    plain_run(tmp_path / "run", 6)
    folder = tmp_path / "out"
    folder.mkdir()
    (folder / "train.jsonl").write_text("mine")
    with pytest.raises(ConfigurationError, match="not empty"):
        export(tmp_path / "run", folder, "sft")
    with pytest.raises(ConfigurationError, match="not empty"):
        export(tmp_path / "run", tmp_path / "run", "sft")
    with pytest.raises(ConfigurationError, match="is a file"):
        export(tmp_path / "run", folder / "train.jsonl", "sft")
    assert contents(folder) == {"train.jsonl": b"mine"}
    made = export(tmp_path / "run", tmp_path / "ours", "sft", {"train": 1.0})
    (tmp_path / "ours" / "test.jsonl").write_text("mine")
    before = contents(tmp_path / "ours")
    with pytest.raises(ConfigurationError, match=r"test\.jsonl' is not of an export"):
        export(tmp_path / "run", tmp_path / "ours", "sft")
    assert contents(tmp_path / "ours") == before
    assert made.files == ("README.md", "train.jsonl")


def test_a_record_that_names_foreign_files_removes_none(tmp_path: Path) -> None:
    plain_run(tmp_path / "run", 6)
    made = export(tmp_path / "run", tmp_path / "out", "sft", {"train": 1.0})
    (tmp_path / "precious.jsonl").write_text("mine")
    forged = msgspec.structs.replace(made, files=(*made.files, "../precious.jsonl", "notes.txt"))
    (tmp_path / "out" / "notes.txt").write_text("mine")
    (tmp_path / "out" / "export.json").write_bytes(msgspec.json.encode(forged))
    export(tmp_path / "run", tmp_path / "out", "sft", {"train": 1.0})
    assert (tmp_path / "precious.jsonl").exists()
    assert (tmp_path / "out" / "notes.txt").exists()


def test_a_failing_export_leaves_the_old_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plain_run(tmp_path / "run", 60)
    export(tmp_path / "run", tmp_path / "out", "sft")
    before, calls = contents(tmp_path / "out"), Counter[str]()

    def changing(run: Path) -> Iterator[Dialogue]:
        calls["read"] += 1
        yield from list(read_annotated(run))[: None if calls["read"] == 1 else -1]

    monkeypatch.setattr("skillofmind.mind.dataset.export.read_annotated", changing)
    with pytest.raises(DataError, match="changed while it was read"):
        export(tmp_path / "run", tmp_path / "out", "sft", seed=1)
    assert contents(tmp_path / "out") == before


@pytest.mark.parametrize("missing", ["report.json", "annotated.jsonl"])
def test_a_folder_that_is_no_run_is_named(missing: str, tmp_path: Path) -> None:
    plain_run(tmp_path / "run", 6)
    (tmp_path / "run" / missing).unlink()
    with pytest.raises(DataError, match=f"holds no {missing}; give the OUT of `som annotate`"):
        export(tmp_path / "run", tmp_path / "out", "sft")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("report", "said"), [(b"{}", "not the report"), (b"[", "not the report"), (None, "who annotated")]
)
def test_a_report_of_something_else_is_named(report: bytes | None, said: str, tmp_path: Path) -> None:
    found = plain_run(tmp_path / "run", 6)
    old = msgspec.json.encode(msgspec.structs.replace(found, maker=None))
    (tmp_path / "run" / "report.json").write_bytes(old if report is None else report)
    with pytest.raises(DataError, match=said):
        export(tmp_path / "run", tmp_path / "out", "sft")


@pytest.mark.parametrize(
    ("shares", "limit", "said"),
    [
        ({"../x": 1.0}, None, "split '../x'"),
        ({"train": 0.5}, None, "sum to 0.5"),
        ({"train": 1.0}, 0, "limit 0"),
    ],
)
def test_options_that_cannot_be_are_refused(
    shares: dict[str, float], limit: int | None, said: str, tmp_path: Path
) -> None:
    plain_run(tmp_path / "run", 6)
    with pytest.raises(ConfigurationError, match=said):
        export(tmp_path / "run", tmp_path / "out", "sft", shares, limit=limit)
    assert not (tmp_path / "out").exists()


def test_a_run_without_annotations_has_nothing_to_export(tmp_path: Path) -> None:
    write_run(tmp_path / "run", [row(0, 0)], ["no idea"])
    with pytest.raises(DataError, match="no annotated row"):
        export(tmp_path / "run", tmp_path / "out", "sft")


def test_a_limit_takes_the_first_rows(tmp_path: Path) -> None:
    plain_run(tmp_path / "run", 60)
    export(tmp_path / "run", tmp_path / "out", "sft", {"train": 1.0}, limit=2)
    assert [one["id"] for one in jsonl(tmp_path / "out" / "train.jsonl")] == ["0:own:0", "0:own:0", "1:own:0"]


@pytest.mark.parametrize("form", FORMS)
def test_reviews_decide_what_is_exported(
    form: exporting.Form, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain_run(tmp_path / "run", 6)

    def apply_reviews(rows: Iterable[Dialogue], folder: Path) -> Iterator[Dialogue]:
        assert folder == tmp_path / "run"
        for one in rows:
            if one.id != "1:own:0":
                *before, last = one.turns
                edited = msgspec.structs.replace(last.annotations[0], skill="Ethics", explanation="I know.")
                last = msgspec.structs.replace(last, annotations=(edited,))
                yield msgspec.structs.replace(one, turns=(*before, last))

    review = ModuleType("skillofmind.mind.dataset.review")
    monkeypatch.setattr(review, "apply_reviews", apply_reviews, raising=False)
    monkeypatch.setitem(sys.modules, review.__name__, review)
    made = export(tmp_path / "run", tmp_path / "out", form, {"all": 1.0}, reviewed=True)
    assert ids(tmp_path / "out", form, "all") == [f"{n}:own:{n // 3}" for n in (0, 2, 3, 4, 5)]
    assert (made.skills, made.options["reviewed"]) == ({"Ethics": 5}, True)


def test_licences_that_limit_use_are_named(tmp_path: Path) -> None:
    rows = [row(0, 0), row(1, 1, "esconv", "CC BY-NC 4.0"), row(2, 2, "found", "")]
    write_run(tmp_path / "run", rows, [reply_to(number) for number in range(3)])
    made = export(tmp_path / "run", tmp_path / "out", "sft", {"train": 1.0})
    assert made.licences == {"esconv": "CC BY-NC 4.0", "found": "", "own": "CC BY 4.0"}
    assert made.restricted == {"esconv": "CC BY-NC 4.0", "found": ""}
    text = (tmp_path / "out" / "README.md").read_text("utf-8")
    assert 'license_name: mixed-by-corpus\nlicense_details: "esconv: CC BY-NC 4.0; found: not stated' in text
    assert '  - split: "train"\n    path:\n    - "train.jsonl"\n' in text
    assert "| train | 3 | `train.jsonl` |" in text


@pytest.mark.parametrize("form", FORMS)
def test_memory_does_not_grow_with_the_run(form: exporting.Form, tmp_path: Path) -> None:
    # What stands in no prompt costs no time, and as much memory where rows are held.
    note = {"note": "x" * 60_000}
    rows = [row(number, number) for number in range(1000)]
    rows = [
        msgspec.structs.replace(one, context=msgspec.structs.replace(one.context, meta=note)) for one in rows
    ]
    write_run(tmp_path / "run", rows, [reply_to(number) for number in range(1000)])
    assert (tmp_path / "run" / "annotated.jsonl").stat().st_size > 50 << 20
    del rows
    export(tmp_path / "run", tmp_path / "warm", form, limit=1)
    tracemalloc.start()
    try:
        export(tmp_path / "run", tmp_path / "out", form)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 8 << 20


def test_the_library_of_the_hub_reads_an_export(tmp_path: Path) -> None:
    if importlib.util.find_spec("datasets") is None:
        pytest.skip("the package datasets is not installed; pyarrow read the same files")
    script = (
        "import datasets, json, sys\n"
        "out = {}\n"
        "for form in sys.argv[2:]:\n"
        "    found = datasets.load_dataset(f'{sys.argv[1]}/{form}', cache_dir=f'{sys.argv[1]}/cache')\n"
        "    out[form] = {name: [len(rows), rows[0]['id']] for name, rows in found.items()}\n"
        "sys.stdout.write(json.dumps(out))\n"
    )
    plain_run(tmp_path / "run", 300)
    made = {form: export(tmp_path / "run", tmp_path / form, form) for form in FORMS}
    done = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path), *FORMS],
        env={**os.environ, "HF_HUB_OFFLINE": "1", "HF_HOME": str(tmp_path / "hub")},
        capture_output=True, text=True, check=True, timeout=100,
    )  # fmt: skip
    found = json.loads(done.stdout)
    for form, one in made.items():
        assert {name: rows for name, (rows, _) in found[form].items()} == one.rows
        assert found[form]["train"][1] == ids(tmp_path / form, form, "train")[0]
