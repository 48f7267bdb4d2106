import json
from pathlib import Path

import pytest

from skillofmind.core.dialogue import Dialogue, Turn
from skillofmind.core.errors import ConfigurationError, DataError
from skillofmind.evals.replies.panel import Panel
from skillofmind.evals.replies.tasks import DAILY_CONTEXT, OWN, SOURCES, reply_task, with_arms
from tests.cli.som import write_dialogues
from tests.corpora import corpora_folder

EMPTY = Panel({})


def write_daily(folder: Path, *lengths: int) -> Path:
    daily = folder / "dailydialog"
    daily.mkdir(parents=True)
    lines = [" __eou__ ".join(f"turn {n}" for n in range(length)) + " __eou__" for length in lengths]
    (daily / "dialogues_test.txt").write_text("\n".join(lines) + "\n", "utf-8")
    return folder


class TestItems:
    def test_even_dialogues_ask_for_their_last_turn(self, tmp_path: Path) -> None:
        data = write_daily(tmp_path, 2, 3, 4, 1, 6)
        items = list(reply_task("reply.dailydialog", EMPTY).items(data))
        assert [len(one.dialogue.turns) for one in items] == [1, 3, 5]
        assert [one.gold.reply for one in items] == ["turn 1", "turn 3", "turn 5"]
        assert all(one.dialogue.next_speaker() == "B" for one in items)

    def test_the_target_is_nowhere_in_what_may_be_seen(self, tmp_path: Path) -> None:
        data = write_daily(tmp_path, 4)
        (item,) = reply_task("reply.dailydialog", EMPTY).items(data)
        assert "turn 3" not in str(item.dialogue)
        assert item.dialogue.context.text == DAILY_CONTEXT

    def test_own_files_of_any_length_are_asked(self, tmp_path: Path) -> None:
        talks = [
            Dialogue(tuple(Turn("AB"[n % 2], f"{n}") for n in range(size)), id=f"t{size}")
            for size in (1, 2, 3)
        ]
        file = write_dialogues(tmp_path / "own.jsonl", talks)
        items = list(reply_task(OWN, EMPTY, [file]).items(tmp_path))
        assert [(one.group, one.gold.reply) for one in items] == [("t2", "1"), ("t3", "2")]

    def test_a_file_that_cannot_be_read_is_told(self, tmp_path: Path) -> None:
        file = tmp_path / "own.jsonl"
        file.write_text('{"turns": 3}\n', "utf-8")
        with pytest.raises(DataError):
            list(reply_task(OWN, EMPTY, [file]).items(tmp_path))

    def test_prosocial_falls_back_to_its_samples(self, tmp_path: Path) -> None:
        assert reply_task("reply.prosocial", EMPTY, data=tmp_path).corpus == "dialogstudio_samples"
        (tmp_path / "prosocial_dialog").mkdir()
        assert reply_task("reply.prosocial", EMPTY, data=tmp_path).corpus == "prosocial_dialog"
        rows = [
            {"context": f"remark {n}", "response": f"answer {n}", "rots": ["Be kind."], "dialogue_id": 0,
             "safety_label": "__needs_caution__"}
            for n in range(2)
        ]  # fmt: skip
        (tmp_path / "prosocial_dialog" / "test.json").write_text("\n".join(map(json.dumps, rows)), "utf-8")
        (item,) = reply_task("reply.prosocial", EMPTY).items(tmp_path)
        assert (item.gold.reply, item.dialogue.context.rules_of_thumb) == ("answer 1", ("Be kind.",))

    def test_unknown_tasks_are_refused(self) -> None:
        with pytest.raises(ConfigurationError, match=r"reply\.daily"):
            reply_task("reply.weekly", EMPTY)
        with pytest.raises(ConfigurationError, match="has no files"):
            reply_task(OWN, EMPTY)


class TestArms:
    def test_every_item_is_in_every_arm_under_its_own_key(self, tmp_path: Path) -> None:
        items = list(reply_task("reply.dailydialog", EMPTY).items(write_daily(tmp_path, 2, 4)))
        found = with_arms(items, ["none", "both"])
        assert [one.arm for one in found] == ["none", "none", "both", "both"]
        assert len({one.key for one in found}) == 4
        assert {one.id for one in found} == {one.id for one in items}

    @pytest.mark.parametrize("arms", [[], ["none", "none"], ["all"]])
    def test_other_arms_are_refused(self, arms: list[str]) -> None:
        with pytest.raises(ConfigurationError):
            with_arms([], arms)


class TestRealCorpora:
    def test_published_test_parts_have_the_items_that_they_should(self) -> None:
        folder = corpora_folder()
        if folder is None or not (folder / "dailydialog").is_dir():
            pytest.skip("the corpora of shared/data are not here")
        found = {name: list(reply_task(name, EMPTY, data=folder).items(folder)) for name in SOURCES}
        for name, items in found.items():
            assert len({item.key for item in items}) == len(items), name
            assert all(len(item.dialogue.turns) % 2 == 1 and item.gold.reply.strip() for item in items)
        listeners = {item.dialogue.next_speaker() for item in found["reply.empathetic_dialogues"]}
        assert listeners == {"Listener"}
        assert len(found["reply.prosocial"]) == 5
