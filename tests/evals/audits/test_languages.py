import pytest
from sklearn.metrics import cohen_kappa_score

from skillofmind.core.dialogue import Dialogue, Turn
from skillofmind.core.plan import Plan
from skillofmind.evals.audits.languages import TASKS, in_languages, language_effects, language_tables
from skillofmind.evals.measures.skill import score_skill
from skillofmind.evals.records import Answer, Case, Gold, Item
from skillofmind.evals.tasks import task
from tests.corpora import corpora_folder
from tests.evals.audits.scenes import SKILLS, asked, pick


def items_in(lang: str, count: int, *acts: str) -> list[Item]:
    """Return items of `count` dialogues; the first act is of the second turn."""
    found = []
    for number in range(count):
        for place, act in enumerate(acts, 1):
            turns = tuple(Turn("AB"[n % 2], f"{lang} {n}") for n in range(place))
            slices = {"lang": lang, "scheme": "dailydialog.act"}
            id = f"{lang}:{number}#{place}"
            found.append(
                Item(
                    f"x.{lang}", id, f"g{number}", Dialogue(turns, lang=lang), Gold(label=act), slices=slices
                )
            )
    return found


def cases(langs: dict[str, int]) -> list[Case]:
    """Return 50 turns in several languages; in each, the skill differs from English in so many."""
    items = in_languages({lang: items_in(lang, 25, "question", "inform") for lang in langs})
    count = dict.fromkeys(langs, 0)
    found = []
    for one in items:
        lang = one.slices["lang"]
        skill = "Rhetoric" if count[lang] < langs[lang] else pick(SKILLS, one.id)
        count[lang] += 1
        answer = Answer(plan=Plan(skill=skill, valid=True))
        found.append(Case(one, answer, score_skill(one, answer)))
    return found


def test_turns_with_the_same_label_in_all_languages_are_arms_of_the_english_item() -> None:
    german = items_in("de", 2, "question", "directive")
    items = in_languages({"de": german, "en": items_in("en", 3, "question", "inform")})
    assert [(one.arm, one.task, one.id, one.group) for one in items] == [
        ("", "x.en", "en:0#1", "g0"),
        ("", "x.en", "en:1#1", "g1"),
        ("languages.de", "x.en", "en:0#1", "g0"),
        ("languages.de", "x.en", "en:1#1", "g1"),
    ]
    assert items[2].dialogue == german[0].dialogue
    assert in_languages({"de": german}) == []


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
    items = in_languages({lang: items_in(lang, 9, "inform") for lang in ("en", "it")})
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
    items = in_languages({lang: list(task(name).items(folder)) for lang, name in TASKS.items()})
    arms = ["", "languages.de", "languages.it", "languages.zh"]
    ids = [[one.id for one in items if one.arm == arm] for arm in arms]
    assert len(items) == sum(map(len, ids))
    assert all(one == ids[0] for one in ids)
    assert len(ids[0]) > 800
    golds = [[one.gold.label for one in items if one.arm == arm] for arm in arms]
    assert all(one == golds[0] for one in golds)
    assert {one.dialogue.lang for one in items if one.arm == "languages.zh"} == {"zh"}
