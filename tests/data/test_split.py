import random
from collections import Counter

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skillofmind.core.dialogue import Dialogue, Turn
from skillofmind.core.errors import ConfigurationError
from skillofmind.data.split import (
    components,
    group_of,
    joined_groups,
    shared_groups,
    split,
    split_of,
)
from skillofmind.mind.starter import starter_dialogues

SHARES = {"train": 0.8, "validation": 0.1, "test": 0.1}


def dialogue(id: str, lang: str = "", **meta: object) -> Dialogue:
    return Dialogue((Turn("A", "Hi."),), id=id, corpus=id.partition(":")[0], lang=lang, meta=meta)


def episodes(count: int, sessions: int = 3) -> list[Dialogue]:
    return [dialogue(f"msc:{n}:session{k}") for n in range(count) for k in range(sessions)]


@pytest.mark.parametrize(
    ("one", "group"),
    [
        (dialogue("esconv:12"), "esconv:12"),
        (dialogue("conversation_chronicles:e7:session1"), "conversation_chronicles:e7"),
        (dialogue("msc:session_3:44"), "msc:44"),
        (dialogue("xdailydialog:De:12", "de"), "xdailydialog:12"),
        (dialogue("xdailydialog:12:zh", "zh-CN"), "xdailydialog:12"),
        (dialogue("xdailydialog:12:zh", "en"), "xdailydialog:12:zh"),
        (dialogue("persuasionforgood:2018_live"), "persuasionforgood:2018_live"),
        (dialogue("persuasionforgood:300:2018_live"), "persuasionforgood:2018_live"),
        (dialogue("persuasionforgood_300:2018_live"), "persuasionforgood:2018_live"),
        (dialogue("starter:em-01", pair="001"), "starter:pair:001"),
        (dialogue("own:1", group="g", pair="p"), "own:group:g"),
        (dialogue("cima:shape:4:2", exercise="shape:4"), "cima:exercise:shape:4"),
        (dialogue("xdailydialog:dialogues_text_De:12", "de", parallel="t:12"), "xdailydialog:parallel:t:12"),
        (dialogue("plain"), "plain"),
        (dialogue("en:en", "en"), "en:en"),
    ],
)
def test_a_dialogue_belongs_to_its_group(one: Dialogue, group: str) -> None:
    assert group_of(one) == group


def test_dialogues_without_ids_are_told_apart_by_their_turns() -> None:
    one, same, other = (Dialogue((Turn("A", text),)) for text in ("Hi.", "Hi.", "Bye."))
    assert group_of(one) == group_of(same) != group_of(other)


def test_the_halves_of_a_starter_pair_are_one_group() -> None:
    paired = [d for d in starter_dialogues() if "pair" in d.meta]
    assert set(Counter(map(group_of, paired)).values()) == {2}


def test_shares_are_met_within_binomial_bounds() -> None:
    count = 10_000
    found = Counter(split_of(f"own:{n}", SHARES, seed=5) for n in range(count))
    for name, share in SHARES.items():
        deviation = (count * share * (1 - share)) ** 0.5
        assert abs(found[name] - count * share) < 4 * deviation


def test_seeds_split_independently() -> None:
    both = Counter((split_of(f"o:{n}", SHARES, 1), split_of(f"o:{n}", SHARES, 2)) for n in range(10_000))
    # 0.1 * 0.1 of 10,000: mean 100, standard deviation 10.
    assert 60 < both["test", "test"] < 140


@given(st.integers(0, 99), st.integers(0, 2**32), st.integers(0, 40))
def test_adding_and_reordering_dialogues_moves_nothing(seed: int, shuffle: int, more: int) -> None:
    rows = episodes(20)
    before = {one.id: one.split for one in split(rows, SHARES, seed)}
    rows = [*rows, *(dialogue(f"new:{n}") for n in range(more))]
    random.Random(shuffle).shuffle(rows)
    after = {one.id: one.split for one in split(rows, SHARES, seed)}
    assert before.items() <= after.items()


@given(st.integers(0, 99))
def test_no_group_is_shared(seed: int) -> None:
    done = list(split(episodes(40), SHARES, seed))
    assert shared_groups(done) == {}
    assert len({one.split for one in done}) > 1


@given(st.integers(0, 99), st.lists(st.tuples(st.integers(0, 39), st.integers(0, 39)), max_size=30))
def test_clusters_and_the_groups_they_touch_are_not_shared_either(
    seed: int, links: list[tuple[int, int]]
) -> None:
    clusters = components((f"msc:{a}:session0", f"msc:{b}:session1") for a, b in links)
    done = list(split(episodes(40), SHARES, seed, clusters))
    assert shared_groups(done) == {}
    assert shared_groups(done, clusters) == {}
    splits = {one.id: one.split for one in done}
    assert all(splits[f"msc:{a}:session2"] == splits[f"msc:{b}:session2"] for a, b in links)


def test_a_group_in_two_splits_is_found() -> None:
    rows = [
        msgspec.structs.replace(one, split=name)
        for one, name in zip(episodes(2, 2), ("train", "test", "train", "train"), strict=True)
    ]
    assert shared_groups(rows) == {"msc:0": ("test", "train")}
    assert shared_groups(rows[1:3], {rows[1].id: "c", rows[2].id: "c"}) == {"msc:0": ("test", "train")}


def test_order_and_other_fields_are_kept_and_the_input_is_streamed() -> None:
    rows = episodes(3)
    done = list(split(iter(rows), SHARES, 1))
    assert [msgspec.structs.replace(one, split=None) for one in done] == rows


def test_joined_groups_are_named_after_the_first() -> None:
    rows = [dialogue("b:1"), dialogue("a:1"), dialogue("c:1"), dialogue("d:1")]
    assert joined_groups(rows, {"b:1": "x", "a:1": "x", "c:1": "y"}) == {
        "a:1": "a:1",
        "b:1": "a:1",
        "c:1": "c:1",
    }


@given(st.lists(st.tuples(st.sampled_from("abcdefgh"), st.sampled_from("abcdefgh"))))
def test_components_are_what_can_be_reached(edges: list[tuple[str, str]]) -> None:
    found = components(edges)
    reach = {node: {node} for edge in edges for node in edge}
    for _ in reach:
        for a, b in edges:
            reach[a] = reach[b] = reach[a] | reach[b]
            for node in reach[a]:
                reach[node] = reach[a]
    assert found == {node: min(nodes) for node, nodes in reach.items()}


@pytest.mark.parametrize("shares", [{}, {"a": 0.5}, {"a": 1.5, "b": -0.5}, {"a": float("nan")}])
def test_shares_that_do_not_sum_to_one_are_refused(shares: dict[str, float]) -> None:
    with pytest.raises(ConfigurationError, match="sum to"):
        split_of("g", shares, 1)
    with pytest.raises(ConfigurationError, match="sum to"):
        next(split(episodes(1), shares, 1))


@given(st.text(), st.integers())
def test_a_share_of_nothing_gets_nothing(group: str, seed: int) -> None:
    assert split_of(group, {"a": 0.0, "b": 1.0, "c": 0.0}, seed) == "b"
