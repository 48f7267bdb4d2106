"""The starter dialogues hold no number, address or page that could be somebody's."""

import pytest

from skillofmind.mind.audit import unsafe
from skillofmind.mind.starter import starter_dialogues

FOUND = [(found.check, found.id, found.why) for found in unsafe.findings(starter_dialogues())]


@pytest.mark.parametrize("check", ["phone", "email", "web", "card", "identity"])
def test_nothing_could_be_used_to_reach_a_person(check: str) -> None:
    assert check in unsafe.categories()
    assert [row for row in FOUND if row[0] == check] == []
