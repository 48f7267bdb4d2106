"""The review in the terminal: one card after the other, one key a decision."""

import sys
from collections.abc import Sequence

from skillofmind.cli.review.desk import Desk
from skillofmind.cli.review.entry import Entry, entry
from skillofmind.cli.review.show import show_card, show_help, show_skills, shown
from skillofmind.cli.show import console
from skillofmind.mind.dataset.review import NONE, REVIEWS, Item

_KEYS = "a accept, e edit, r reject, s skip, b back, q quit, ? help > "
_MOST_EDITED = 100_000
_REJECTION_KEYS = "was the rejection right? a yes, r no, s skip, b back, q quit, ? help > "


class _Quit(Exception):
    """The reviewer has had enough."""


def review(desk: Desk, items: Sequence[Item], keys: Entry | None = None) -> int:
    """Show what is undecided, one by one, and take down what the reviewer says. Returns 0."""
    talk = _Talk(desk, items, keys or entry())
    try:
        talk.run()
    except (EOFError, _Quit):
        talk.say("")
    talk.end()
    return 0


class _Talk:
    def __init__(self, desk: Desk, items: Sequence[Item], keys: Entry) -> None:
        self._desk, self._items, self._keys = desk, items, keys
        self._out = console(sys.stdout)
        self._made = 0

    def say(self, text: str) -> None:
        self._out.print(text, soft_wrap=True)
        sys.stdout.flush()

    def run(self) -> None:
        done = len(self._items) - self._desk.count_open(self._items)
        if done:
            self.say(f"{done} of {len(self._items)} are decided already.")
        place = self._next(-1)
        while place < len(self._items):
            place = self._one(place)

    def end(self) -> None:
        left = self._desk.count_open(self._items)
        count = f"{self._made} decision{'s' * (self._made != 1)}"
        what = f"{count}, all in {shown(str(self._desk.drawing.folder / REVIEWS))}"
        self.say(what + (f"; {left} left, the same command goes on." if left else "; nothing left."))

    def _next(self, place: int) -> int:
        """Return the first undecided place after `place`, or the number of items."""
        later = range(place + 1, len(self._items))
        return next((p for p in later if self._desk.decided(self._items[p]) is None), len(self._items))

    def _one(self, place: int) -> int:
        """Show one card, ask until there is an answer, and return where to go on."""
        item = self._items[place]
        title = f"{place + 1} of {len(self._items)}"
        if self._desk.is_hidden(item):
            show_card(self._out, self._desk, item, title, hidden=True)
            if not self._choose(item):
                return place
        show_card(self._out, self._desk, item, title)
        while True:
            key = self._keys.key(_KEYS if item.annotation else _REJECTION_KEYS)
            if key == "b":
                return max(0, place - 1)
            if key == "s":
                return self._next(place)
            if self._decide(item, key):
                self._made += 1
                return self._next(place)

    def _decide(self, item: Item, key: str) -> bool:
        """Do what `key` asks for; say whether something was decided."""
        if key == "q":
            raise _Quit
        if key == "a":
            self._desk.decide(item, "accept")
        elif key == "r":
            self._desk.decide(item, "reject", note=self._keys.line("note, or Enter: ", "", ()))
        elif key == "e" and item.annotation is not None:
            return self._edit(item)
        else:
            show_help(self._out, self._desk, item)
            return False
        return True

    def _edit(self, item: Item) -> bool:
        assert item.annotation is not None
        told = item.annotation
        show_skills(self._out, self._desk.taxonomy)
        names = self._desk.taxonomy.names()
        prompt = f"skill (number or name, Enter keeps {shown(told.skill)}): "
        text = self._keys.line(prompt, told.skill, names)
        skill = told.skill if text == told.skill else self._desk.skill_named(text)
        if skill is None:
            self.say(f"'{shown(text)}' is no skill; nothing changed.")
            return False
        given = shown(told.explanation, _MOST_EDITED)
        explanation = self._keys.line("explanation: ", given, ())
        # What was not touched keeps its line breaks.
        kept = told.explanation if explanation == given else explanation
        made = self._desk.decide(item, "edit", skill=skill, explanation=kept)
        self.say(f"{made.verdict}ed: {shown(made.skill)}")
        return True

    def _choose(self, item: Item) -> bool:
        """Ask for the blind choice; say whether one was made."""
        show_skills(self._out, self._desk.taxonomy)
        text = self._keys.line(
            "which skill does the reply show? (number or name, 0 none, q quit) ",
            "",
            self._desk.taxonomy.names(),
        )
        if text.strip().casefold() in ("q", "quit"):
            raise _Quit
        skill = self._desk.choice_named(text)
        if skill is None:
            self.say(f"'{shown(text)}' is no skill; choose one.")
            return False
        self._desk.choose(item, skill)
        self.say("you chose none" if skill == NONE else f"you chose {skill}")
        return True
