from skillofmind.cli.printable import printable
from skillofmind.train.chat.show import Segment, bracketed, coloured, segments
from tests.train.chat.looking import made, rows_of, talk
from tests.train.chat.styles import CHATML, MISTRAL, shared, words_tokenizer


def test_segments_are_the_row_in_order() -> None:
    tokenizer = shared(CHATML)
    (row,) = rows_of(made(tokenizer, {"messages": talk("Hï", "Yes <|im_end|>\x1b[2J")}))
    found = segments(row, tokenizer)
    assert "".join(one.text for one in found) == tokenizer.decode(row.ids)
    assert sum(one.tokens for one in found) == len(row.ids)
    assert found[0] == Segment("<|im_start|>", "ignore", True, 1)
    assert [(one.text, one.special) for one in found if one.plan == "ce"] == [
        ("Yes <|im_end|>\x1b[2J", False),
        ("<|im_end|>", True),
    ]
    assert bracketed(found, printable) == (
        "‹<|im_start|>›user\nHï‹<|im_end|>›\n‹<|im_start|>›assistant\n{+Yes <|im_end|>\\x1b[2J‹<|im_end|>›+}"
    )


def test_colours_say_the_same_and_markup_in_texts_stays_text() -> None:
    tokenizer = shared(CHATML)
    spans = [{"text": "[red]a", "plan": "ce"}, {"text": "b", "plan": "unlikelihood"}]
    (row,) = rows_of(made(tokenizer, {"spans": spans}))
    found = segments(row, tokenizer)
    text = coloured(found, printable)
    assert text.plain == "[red]ab<|im_end|>"
    assert [str(span.style) for span in text.spans] == ["dim", "bold green", "bold red", "bold green reverse"]
    assert bracketed(found, printable) == "[{+red]a+}{-b-}{+‹<|im_end|>›+}"


def test_a_tokenizer_that_drops_leading_spaces_is_shown_with_them() -> None:
    tokenizer = words_tokenizer(MISTRAL)
    (row,) = rows_of(made(tokenizer, {"messages": talk("Hi", "Hello you")}))
    found = segments(row, tokenizer)
    assert "".join(one.text for one in found) == tokenizer.decode(row.ids)
