import msgspec
from hypothesis import given

from skillofmind.core.dialogue import Dialogue
from skillofmind.evals.audits.arms import TARGET, Scene, changed, donors_of, target_of
from skillofmind.evals.audits.changes.noise import typos
from tests.evals.audits.scenes import dialogues, item


def dropped(scene: Scene) -> Dialogue | None:
    return None


def kept(scene: Scene) -> Dialogue | None:
    return scene.dialogue


def shortened(scene: Scene) -> Dialogue | None:
    return msgspec.structs.replace(scene.dialogue, turns=scene.dialogue.turns[:1])


def drawn(scene: Scene) -> Dialogue | None:
    return msgspec.structs.replace(scene.dialogue, id=str(scene.draw.random()))


def test_what_does_not_apply_or_changes_nothing_is_left_out_and_counted() -> None:
    items = [item(n) for n in range(4)]
    made = changed(items, {"a": dropped, "b": kept, "c": shortened})
    assert made.left_out == {"a": 4, "b": 4, "c": 0}
    assert [(one.arm, one.id) for one in made.items] == [("c", str(n)) for n in range(4)]


def test_an_arm_keeps_everything_but_the_dialogue() -> None:
    plain = item(3)
    made = changed([plain], {"c": shortened}).items[0]
    assert msgspec.structs.replace(made, arm="", dialogue=plain.dialogue) == plain


def test_draws_depend_on_seed_family_and_group_alone() -> None:
    first, second, other = item(1, group="g"), item(2, group="g"), item(3)
    alone = changed([first], {"x": drawn}, seed=1).items[0].dialogue.id
    several = changed([other, second, first], {"y": drawn, "x": drawn}, seed=1, family=lambda _: "x").items
    assert [one.dialogue.id == alone for one in several] == [False, True, True] * 2
    assert changed([first], {"x": drawn}, seed=2).items[0].dialogue.id != alone


@given(dialogues())
def test_the_same_seed_gives_the_same_noise(dialogue: Dialogue) -> None:
    items = [item(1, dialogue), item(2)]
    assert changed(items, {"t": typos(0.3)}, seed=5) == changed(items, {"t": typos(0.3)}, seed=5)


def test_a_donor_is_of_another_group_of_the_same_task() -> None:
    items = [item(n, group=f"g{n % 3}") for n in range(9)]
    items += [msgspec.structs.replace(item(20), task="other")]
    donors = donors_of(items)
    assert donors[-1] is None
    group = {id(one.dialogue): one.group for one in items}
    found = [(one.group, group[id(donor)]) for one, donor in zip(items, donors, strict=True) if donor]
    assert len(found) == 9
    assert all(mine != theirs for mine, theirs in found)
    assert {theirs for _, theirs in found} == {"g0", "g1", "g2"}


def test_targets_are_spread_and_kept_with_the_item() -> None:
    items = [item(n) for n in range(300)]
    made = changed(items, {"a": shortened, "b": drawn}, targets=("X", "Y", "Z"))
    counts = [sum(one.slices[TARGET] == name for one in made.items[:300]) for name in "XYZ"]
    assert sum(counts) == 300
    assert min(counts) > 70
    assert [one.slices for one in made.items[:300]] == [one.slices for one in made.items[300:]]
    assert target_of(items[0], (), 7) == ""
