from skillofmind.core.completion import Completion, Sample, Usage
from skillofmind.core.conversation import Message, Part, ToolCall
from skillofmind.core.skill import Skill
from skillofmind.core.trace import Call, Trace


def test_usage_adds_up() -> None:
    total = Usage(3, 4) + Usage(10, 20)
    assert (total, total.total_tokens) == (Usage(13, 24), 37)


def test_a_completion_speaks_for_its_first_sample() -> None:
    call = ToolCall("1", "look", "{}")
    first, second = Sample("one", stop="tool_calls", tool_calls=(call,)), Sample("two", stop="length")
    completion = Completion((first, second))
    assert (completion.text, completion.stop, completion.tool_calls) == ("one", "tool_calls", (call,))


def test_a_trace_counts_what_was_paid_for_and_not_what_the_cache_gave() -> None:
    paid, failed = Call("m", usage=Usage(5, 1)), Call("m", usage=Usage(7, 0), error="cut")
    given = Call("m", usage=Usage(100, 100), cached=True)
    assert Trace(calls=(paid, failed, given)).usage() == Usage(12, 1)
    assert Trace().usage() == Usage(0, 0)


def test_the_text_of_a_message_is_that_of_its_parts() -> None:
    picture = Part("image_url", image_url="data:,x")
    assert Message("user", (Part("text", "look"), picture, Part("text", "here"))).text() == "look\nhere"
    assert Message("user", "plain").text() == "plain"
    assert Message("assistant").text() == ""


def test_a_skill_has_a_name_in_other_languages_or_its_english_one() -> None:
    skill = Skill("Empathy", "Interpersonal", "Cares.", "Sad.", names={"ko": "공감"})
    assert (skill.label(), skill.label("ko"), skill.label("de")) == ("Empathy", "공감", "Empathy")
