import gzip
import random
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skillofmind.core.dialogue import Annotation, Dialogue, Image, Label, Turn
from skillofmind.core.errors import ConfigurationError
from skillofmind.core.picture import image_of, spoken
from skillofmind.data.jsonl import Rejected
from skillofmind.data.select import (
    SELECTIONS,
    THANOS_QUOTAS,
    Instance,
    annotated_turns,
    by_speaker,
    even_prefixes,
    every_turn,
    holds_instances,
    image_prefixes,
    instances,
    labelled_turns,
    quota,
    read_instances,
    shares_image,
    thanos_selection,
    write_instances,
)


def talk(speakers: str, pictures: tuple[int, ...] = (), corpus: str = "own", id: str = "own:1") -> Dialogue:
    turns = tuple(
        Turn(who, f"turn {n}", images=(Image("a dog"),) if n in pictures else ())
        for n, who in enumerate(speakers)
    )
    return Dialogue(turns, corpus=corpus, id=id)


@pytest.mark.parametrize(
    ("speakers", "targets"),
    [
        ("A", ()),
        ("AB", ()),
        ("ABA", ()),
        ("ABAB", (3,)),
        ("ABABA", (3,)),
        ("ABABAB", (3, 5)),
        ("ABABABA", (3, 5)),
        ("ABABABAB", (3, 5, 7)),
        ("ABABABABA", (3, 5, 7)),
        # The rule counts turns, whoever speaks.
        ("AABBA", (3,)),
        ("AAAAAA", (3, 5)),
        ("ABCABCA", (3, 5)),
    ],
)
def test_even_prefixes_end_at(speakers: str, targets: tuple[int, ...]) -> None:
    assert even_prefixes(talk(speakers)) == targets


@pytest.mark.parametrize(
    ("length", "pictures", "targets"),
    [
        (1, (0,), ()),
        (2, (1,), ()),  # even, but shorter than four turns
        (3, (1,), ()),
        (4, (), ()),  # no picture, no target
        (4, (0,), (3,)),  # the whole session only
        (4, (3,), (3,)),  # picture and session end together: once
        (5, (3,), (3,)),
        (5, (4,), ()),  # odd prefix, odd session
        (6, (2,), (5,)),
        (6, (3,), (3, 5)),
        (7, (5, 6), (5,)),
        (8, (1, 3, 4), (3, 7)),
        (9, (1, 3, 5, 8), (3, 5)),
        (9, (0, 2), ()),
    ],
)
def test_image_prefixes_end_at(length: int, pictures: tuple[int, ...], targets: tuple[int, ...]) -> None:
    assert image_prefixes(talk("ABABABABA"[:length], pictures)) == targets


def test_image_prefixes_do_not_look_at_who_speaks() -> None:
    assert image_prefixes(talk("AABBBAAB", (3, 4))) == (3, 7)


@pytest.mark.parametrize(
    ("speakers", "of_b", "every"),
    [
        ("B", (), ()),
        ("AB", (1,), (1,)),
        ("BAB", (2,), (1, 2)),
        ("AABBA", (2, 3), (1, 2, 3, 4)),
        ("AAA", (), (1, 2)),
    ],
)
def test_the_first_turn_is_never_a_target(
    speakers: str, of_b: tuple[int, ...], every: tuple[int, ...]
) -> None:
    assert by_speaker("B")(talk(speakers)) == of_b
    assert every_turn(talk(speakers)) == every


def test_annotated_and_labelled_turns_are_found() -> None:
    turns = (
        Turn("A", "a", annotations=(Annotation("Empathy"),), labels=(Label("x", "y"),)),
        Turn("B", "b", annotations=(Annotation("Empathy"),)),
        Turn("A", "c", labels=(Label("x", "y"),)),
        Turn("B", "d"),
    )
    assert annotated_turns(Dialogue(turns)) == (1,)
    assert labelled_turns(Dialogue(turns)) == (2,)


@given(st.text("AB", max_size=9), st.sets(st.integers(0, 8)), st.sampled_from(sorted(SELECTIONS)))
def test_targets_ascend_and_have_something_before_them(who: str, pictures: set[int], name: str) -> None:
    found = SELECTIONS[name](talk(who, tuple(pictures)))
    assert list(found) == sorted(set(found))
    assert all(0 < index < len(who) for index in found)


@given(
    st.lists(
        st.sampled_from(["[Sharing Image", ":", "]", " a dog", "[", " ", "\n", "[sharing image]"]), max_size=8
    )
)
def test_a_written_picture_is_what_the_prompt_shows_as_one(parts: list[str]) -> None:
    turn = Turn("A", "".join(parts))
    assert shares_image(turn) is (image_of(turn) is not None)
    # What is shown as a picture is no longer among the words, and nothing else is missing from them.
    assert shares_image(turn) is (spoken(turn) != turn.text.strip())


def test_a_text_full_of_picture_marks_is_read_in_linear_time() -> None:
    assert not shares_image(Turn("A", "[Sharing Image:" * 50_000))


def test_an_instance_holds_what_was_said_before_the_target() -> None:
    dialogue = talk("ABABAB")
    found = list(instances(dialogue, even_prefixes))
    assert [one.id for one in found] == ["0:own:1", "1:own:1"]
    assert [one.index for one in found] == [3, 5]
    assert [one.target for one in found] == [dialogue.turns[3], dialogue.turns[5]]
    assert [one.context.turns for one in found] == [dialogue.turns[:3], dialogue.turns[:5]]
    assert [one.context.responder for one in found] == ["B", "B"]


def test_written_instances_are_read_back_the_same() -> None:
    found = list(instances(talk("ABABAB", (3,)), even_prefixes))
    lines = list(write_instances(found))
    assert [msgspec.json.decode(line, type=Instance) for line in lines] == found
    assert all(line.count(b"\n") == 1 for line in lines)


def test_the_thanos_quotas_ask_for_100_000_of_twelve_sources() -> None:
    assert sum(THANOS_QUOTAS.values()) == 100_000
    assert len(THANOS_QUOTAS) == 12


def test_the_thanos_selection_treats_stark_apart() -> None:
    assert thanos_selection(talk("ABABABAB", (3,))) == (3, 5, 7)
    assert thanos_selection(talk("ABABABAB", (3,), corpus="stark")) == (3, 7)


def pool(source: str, count: int) -> list[Instance]:
    return [
        one
        for n in range(count)
        for one in instances(talk("ABAB", corpus=source, id=f"{source}:{n}"), even_prefixes)
    ]


def ids(rows: tuple[Instance, ...]) -> list[str]:
    return [row.id for row in rows]


def test_a_quota_is_met_exactly_or_reported_short() -> None:
    rows = [*pool("a", 50), *pool("b", 3), *pool("c", 9)]
    drawn = quota(rows, {"a": 20, "b": 5, "d": 2, "e": 0}, seed=1)
    counts = {s: sum(row.context.corpus == s for row in drawn.instances) for s in "abcde"}
    assert counts == {"a": 20, "b": 3, "c": 0, "d": 0, "e": 0}
    assert drawn.short == {"b": 2, "d": 2}
    assert drawn.offered == {"a": 50, "b": 3, "c": 9}


@given(st.integers(0, 2**32), st.integers(0, 30), st.integers(0, 5))
def test_a_draw_does_not_depend_on_order_repeats_or_other_sources(shuffle: int, size: int, seed: int) -> None:
    rows = pool("a", 25)
    others = [*rows, *rows[:7], *pool("b", 4)]
    random.Random(shuffle).shuffle(others)
    assert quota(rows, {"a": size}, seed).instances == quota(others, {"a": size}, seed).instances
    assert len(quota(others, {"a": size}, seed).instances) == min(size, 25)


def test_a_smaller_quota_draws_part_of_a_larger_one() -> None:
    rows = pool("a", 60)
    small, large = (quota(rows, {"a": size}, 3).instances for size in (10, 30))
    assert small == large[:10]


def test_another_seed_draws_others_and_every_instance_has_its_chance() -> None:
    rows = pool("a", 40)
    drawn = [ids(quota(rows, {"a": 10}, seed).instances) for seed in range(60)]
    assert drawn[0] != drawn[1]
    times = [sum(row.id in one for one in drawn) for row in rows]
    # 60 draws at 1/4: mean 15, standard deviation 3.4.
    assert min(times) > 2
    assert max(times) < 30


def test_a_negative_quota_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="quota of 'a' is -1"):
        quota([], {"a": -1}, seed=1)


def test_written_instances_are_read_again_and_bad_lines_say_where(tmp_path: Path) -> None:
    rows, file = pool("a", 5), tmp_path / "targets.jsonl.gz"
    lines = [*write_instances(rows), b"\n", b'{"id": 1}\n', b"\xff\n"]
    file.write_bytes(gzip.compress(b"".join(lines)))
    found = list(read_instances(file))
    assert found[:5] == rows
    assert [(row.source, row.line) for row in found[5:] if isinstance(row, Rejected)] == [
        ("targets.jsonl.gz", 7),
        ("targets.jsonl.gz", 8),
    ]
    assert holds_instances(lines[0])
    assert not holds_instances(b'{"turns": [], "id": "x"}')
