import re

from skillofmind.core.dialogue import Turn
from skillofmind.data.corpora.lines import spoken_lines

PREFIX = re.compile(r"(?P<speaker>Ann|Ben)(?: \((?P<stage>[^()]*)\))?: ?")


def test_only_the_first_prefix_of_a_line_counts() -> None:
    spoken = spoken_lines(["Ann: Ben: no, Ann: yes ", "Ben:  two blanks"], PREFIX)
    assert spoken.turns == (Turn("Ann", "Ben: no, Ann: yes "), Turn("Ben", " two blanks"))
    assert spoken.meta == {}


def test_lines_without_a_prefix_continue_the_turn() -> None:
    spoken = spoken_lines(["Ann: List:", "", "* one", "(two", "", "Ben: ok"], PREFIX)
    assert spoken.turns == (Turn("Ann", "List:\n\n* one\n(two"), Turn("Ben", "ok"))


def test_what_happens_is_not_what_is_said() -> None:
    spoken = spoken_lines(["Ann (waves): Hi", "[Later]", "(A bell)", "* at home *", "* * *"], PREFIX)
    assert spoken.turns == (
        Turn("Ann", "Hi", meta={"stage": ["waves", "[Later]", "(A bell)", "* at home *", "* * *"]}),
    )


def test_a_preamble_and_empty_turns_are_told() -> None:
    spoken = spoken_lines(["Title", " Ann: indented", "", "Ann: ", "Ben: x"], PREFIX)
    assert spoken.turns == (Turn("Ben", "x"),)
    assert spoken.meta == {"preamble": "Title\n Ann: indented", "empty_turns": 1}
