from collections.abc import Sequence

import msgspec
import numpy as np
from numpy.typing import NDArray

from skillofmind.core.dialogue import Dialogue
from skillofmind.data.jsonl import Rejected
from skillofmind.mind.audit.card import card
from skillofmind.mind.audit.report import Audit, audit
from skillofmind.mind.audit.text import as_text
from skillofmind.mind.taxonomy import load_taxonomy
from tests.mind.audit.corpus import answer, labels, talk

TAXONOMY = load_taxonomy()
GOOD = talk("own:1", answer(marks=labels("Empathy", "Empathy")))


def counts(found: Audit) -> dict[str, int]:
    return {verdict.check: verdict.count for verdict in found.verdicts if verdict.count}


def test_a_good_corpus_passes_and_checks_that_were_not_made_are_not_listed() -> None:
    found = audit([talk()], TAXONOMY)
    assert found.passed()
    assert counts(found) == {}
    made = {verdict.check for verdict in found.verdicts}
    assert made & {"label", "unlabelled", "copied", "shared_run"} == set()
    assert found.taxonomy == TAXONOMY.identity()


def test_rows_that_are_no_dialogues_fail_the_corpus() -> None:
    found = audit([GOOD, Rejected("x.jsonl", 2, "not a dialogue.")], TAXONOMY)
    assert not found.passed()
    assert [(row.check, row.id) for row in found.findings] == [("row", "x.jsonl:2")]


def test_another_corpus_is_compared_and_read_once() -> None:
    theirs: list[Dialogue | Rejected] = [talk("z:1"), Rejected("README", 0, "no"), talk("z:2", opening="Hi!")]
    found = audit([GOOD], TAXONOMY, {"other": iter(theirs)})
    [other] = found.against
    assert (other.corpus, other.dialogues, other.rejected) == ("other", 2, 1)
    assert other.copies.duplicates == 1
    assert [(run.second, run.words) for run in other.longest] == [("z:1", 14)]
    assert counts(found) == {"copied": 1, "shared_run": 1}
    assert not found.passed()


def test_with_an_encoder_dialogues_are_compared_by_meaning() -> None:
    def encode(texts: Sequence[str]) -> NDArray[np.float32]:
        return np.array([[1, 0] if "exam" in text else [0, 1] for text in texts], dtype=np.float32)

    rows = [talk("own:1"), talk("own:2", opening="Failed the exam, would you believe it!")]
    rows += [talk("own:3", opening="Soup?"), talk("own:4", opening="시험?", lang="ko")]
    theirs = [talk("z:1", opening="The exam is lost."), talk("z:2", opening="Prüfung!", lang="de")]
    found = audit(rows, TAXONOMY, {"other": theirs}, encode=encode)
    assert found.meaning is not None
    assert (found.meaning.ours, found.meaning.unread, found.meaning.alike) == (3, 1, 2)
    [other] = found.against
    assert other.meaning is not None
    assert (other.meaning.others, other.meaning.unread, other.meaning.alike) == (1, 1, 2)
    numbers = counts(found)
    assert (numbers["alike"], numbers["alike_other"]) == (2, 2)
    assert not any(verdict.hard for verdict in found.verdicts if verdict.check.startswith("alike"))
    assert msgspec.json.decode(msgspec.json.encode(found), type=Audit) == found
    assert "likeness 1.000: own:1 and own:2" in as_text(found)
    page = card(found, "Ours")
    assert "likeness of at most 1.00 (median 1.00), 2 at 0.8 or above; 1 dialogues in other" in page
    assert "by meaning at most 1.00 (median 1.00), 2 at 0.8 or above, 1 not compared." in page


def test_without_an_encoder_nothing_is_said_of_meaning() -> None:
    found = audit([GOOD], TAXONOMY, {"other": [talk("z:1")]})
    assert (found.meaning, found.against[0].meaning) == (None, None)
    assert {verdict.check for verdict in found.verdicts} & {"alike", "alike_other"} == set()
    assert "meaning" not in as_text(found) + card(found, "Ours")


def test_soft_findings_do_not_fail_the_corpus() -> None:
    found = audit([talk("a", answer("Damn, that must sting after all those weeks."))], TAXONOMY)
    assert counts(found) == {"profanity": 1}
    assert found.passed()


def test_it_comes_back_from_json() -> None:
    found = audit([GOOD], TAXONOMY, {"other": [talk("z:1")]})
    assert msgspec.json.decode(msgspec.json.encode(found), type=Audit) == found


def test_the_text_says_what_failed_and_where() -> None:
    rows = [talk(f"own:{n}", answer(explanation=f"She is sad {n}.")) for n in range(3)]
    text = as_text(audit(rows, TAXONOMY), limit=2)
    assert "FAIL  first_person" in text
    assert "  first_person: own:0 turn 2: not in the first person: 'She is sad 0.'\n" in text
    assert "  first_person: ... and 1 more; --limit 0 lists all.\n" in text
    assert "own:2 turn 2: not in" in as_text(audit(rows, TAXONOMY), limit=0)
    assert text.endswith("not fit for use: a hard check failed\n")
    assert as_text(audit([talk()], TAXONOMY)).endswith("fit for use by the hard checks\n")


def test_the_text_and_the_card_show_the_agreement() -> None:
    other = answer("What a pity, tell me more.", "Ethics", "I ask.", marks=labels("Ethics", "Ethics"))
    found = audit([GOOD, talk("own:2", other)], TAXONOMY, {"other": [talk("z", opening="Hi!")]})
    # Without one of two turns kappa is undefined, so it has no interval.
    assert "skills 1.000 (2 turns, 100.0 % equal)" in as_text(found)
    page = card(found, "Ours")
    assert page.startswith("# Ours\n\n## Motivation\n")
    assert "| all skills | 1.000 | - | 100.0 % | 2 |" in page
    assert "**No person wrote, labelled or checked a row.**" in page
    assert "| dialogues | 2, 0 of them of 6 to 16 turns |" in page
    assert "- Against other (1 dialogues): Jaccard at most" in page
    assert page.endswith("## Licence\n\nCC BY 4.0.\n")


def test_the_card_of_unlabelled_rows_claims_no_agreement() -> None:
    assert "agreement was not measured" in card(audit([talk()], TAXONOMY), "Ours")
