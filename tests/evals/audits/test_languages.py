import msgspec
import pytest
from sklearn.metrics import cohen_kappa_score

from skillofmind.core.dialogue import Dialogue, Label, Turn
from skillofmind.core.plan import Plan
from skillofmind.data.corpora.daily import xdailydialog
from skillofmind.data.labels import load_label_map
from skillofmind.evals.audits.languages import (
    ACT,
    class_score,
    language_effects,
    language_tables,
    parallel_items,
)
from skillofmind.evals.records import Answer, Case, Item
from tests.corpora import corpora_folder
from tests.evals.audits.scenes import SKILLS, asked, pick

TABLE = load_label_map()


def talk(lang: str, number: int, acts: str) -> Dialogue:
    turns = tuple(
        Turn("AB"[n % 2], f"{lang} {n}", labels=(Label(ACT, act),)) for n, act in enumerate(acts.split())
    )
    return Dialogue(turns, lang=lang, meta={"parallel": f"p{number}"})


def cases(langs: dict[str, int]) -> list[Case]:
    """Return 50 turns in several languages; in each, the skill differs from English in so many."""
    items = parallel_items(
        [talk(lang, n, "inform question inform") for lang in langs for n in range(25)], TABLE
    )
    count = dict.fromkeys(langs, 0)
    found = []
    for one in items:
        lang = one.slices["lang"]
        wrong = count[lang] < langs[lang]
        count[lang] += 1
        skill = "Rhetoric" if wrong else pick(SKILLS, one.id)
        case = Case(one, Answer(plan=Plan(skill=skill, valid=True)))
        found.append(msgspec.structs.replace(case, scores=class_score(case, TABLE)))
    return found


def test_turns_with_the_same_label_in_all_languages_are_items() -> None:
    dialogues = [talk("en", 1, "inform question inform"), talk("de", 1, "inform question directive")]
    dialogues += [
        talk("en", 2, "inform question"),
        msgspec.structs.replace(talk("de", 3, "inform inform"), meta={}),
    ]
    items = parallel_items(dialogues, TABLE)
    assert [(one.arm, one.id, one.gold.label) for one in items] == [
        ("", "p1:1", "question"),
        ("languages.de", "p1:1", "question"),
    ]
    assert [turn.text for turn in items[1].dialogue.turns] == ["de 0"]
    assert items[1].dialogue.responder == "B"
    assert parallel_items([talk("de", 1, "inform inform")], TABLE) == []


def test_agreement_is_counted_by_hand_and_kappa_is_that_of_scikit_learn() -> None:
    found = cases({"en": 0, "de": 10, "zh": 25})
    effects = {(one.change, one.measure): one for one in language_effects(found)}
    assert effects["en = de = zh", "same skill"].value == pytest.approx(0.5)
    assert effects["en = de", "same skill"].value == pytest.approx(0.8)
    assert effects["de = zh", "same skill"].value == pytest.approx(0.7)
    chosen = {
        lang: [
            case.answer.plan.skill for case in found if case.item.slices["lang"] == lang and case.answer.plan
        ]
        for lang in ("en", "de", "zh")
    }
    for first, second in (("en", "de"), ("en", "zh"), ("de", "zh")):
        kappa = effects[f"{first} = {second}", "Cohen's kappa"].value
        assert kappa == pytest.approx(cohen_kappa_score(chosen[first], chosen[second]), abs=1e-9)
    assert effects["en = de", "same skill"].groups == 25


def test_a_planner_with_one_answer_agrees_by_chance() -> None:
    items = parallel_items([talk(lang, n, "inform inform") for lang in ("en", "it") for n in range(9)], TABLE)
    effects = {(e.change, e.measure): e for e in language_effects(asked(items, lambda _: "Empathy"))}
    same = effects["en = it", "same skill"]
    assert (same.value, same.expected) == (1, 1)
    assert effects["en = it", "Cohen's kappa"].value is None


def test_accuracy_is_compared_with_english() -> None:
    effects = {(e.change, e.measure): e for e in language_effects(cases({"en": 0, "de": 0, "zh": 50}))}
    english, chinese = effects["en", "accuracy"], effects["zh", "accuracy"]
    assert english.n == chinese.n == 50
    change = effects["zh - en", "accuracy changed"]
    assert change.value == pytest.approx((chinese.value or 0) - (english.value or 0))
    assert effects["de - en", "accuracy changed"].p is None


def test_tables_and_nothing_to_compare() -> None:
    effects = language_effects(cases({"en": 0, "de": 10}))
    assert sum(len(table.rows) for table in language_tables(effects)) == len(effects)
    assert language_effects(cases({"en": 0})) == ()
    assert language_effects([]) == ()


def test_the_shared_corpus_has_its_turns_in_four_languages() -> None:
    folder = corpora_folder()
    if folder is None:
        pytest.skip("needs the corpora beside the repository")
    read = [one for one in xdailydialog.read(folder / "xdailydialog") if isinstance(one, Dialogue)]
    items = parallel_items(read, TABLE)
    arms = {one.arm for one in items}
    assert arms == {"", "languages.de", "languages.it", "languages.zh"}
    ids = [[one.id for one in items if one.arm == arm] for arm in sorted(arms)]
    assert all(one == ids[0] for one in ids)
    assert len(ids[0]) > 3000
    assert _golds(items, "") == _golds(items, "languages.zh")


def _golds(items: list[Item], arm: str) -> list[str]:
    return [one.gold.label for one in items if one.arm == arm]
