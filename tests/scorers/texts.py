"""Texts that look like what people and models write, for comparisons with reference libraries."""

from hypothesis import strategies as st

ENGLISH = (
    "I can't believe it's already Friday... how was your week?",
    "That sounds really hard. I'm so sorry you're going through this.",
    "Well, I paid $1,250.50 for the bike - it's a steal, isn't it?",
    "That sounds hard; I am sorry that you went through this!\nDo you want to talk about it?",
    "Call me at (555) 123-4567 or write to ben_k@mail.example.org, ok? :-)",
    "See https://example.org/a_(b)?x=1&y=2. It's #great and @ben agrees <3",
    "Re-check the co-op's mother-in-law list at 10:30-11, 3/4 of it is done!!!!!!",
    "he said &quot;no way&quot; &amp; left &#8364;5 on the table",
    "OK",
    "",
    "   ",
    "???",
    "a well-\nknown co-\n",
    "ask @@ben or a@@b.co, not me@example.com@home or x.example.com@y",
    "First line here.\nSecond line there.\n\nFirst line here again.",
    "Second line there.\nFirst line here again, and more of the first line.",
)

OTHERS = (
    "你好，我今天考试没通过。",
    "我今天没通过考试，你好吗？",
    "Das tut mir wirklich leid – möchtest du darüber reden?",
    "Perché non me l'hai detto? È un'ottima idea!",
    "वह बहुत अच्छा लड़का है।",
    "cafe\u0301 ou the\u0301 \U0001f44d\U0001f3fd \U0001f1e9\U0001f1ea \U0001f469\u200d\U0001f52c",
)

PIECES = (
    "http://",
    "www.",
    "a.b",
    "example.com",
    "/x",
    "(y)",
    "((z))",
    "!",
    "!!!!!",
    ":-)",
    "<3",
    "don't",
    "co-op",
    "555-1234",
    "(212) 555 1234",
    "+1",
    "#tag",
    "@me",
    "a@b.co",
    "&amp;",
    "&#8364;",
    "&#x41;",
    "&#150;",
    "&bogus;",
    "...",
    ". .",
    "é",
    "中文",
    "e\u0301",
    "नी",
    "\U0001f44d\U0001f3fd",
    "\U0001f469\u200d\U0001f52c",
    "\U0001f1e9\U0001f1ea",
    " ",
    "  ",
    "\n",
    "--->",
    "<--",
    "<br>",
    "12.5",
    "3/4",
    "_x_",
    "'",
    "-",
    "8)",
    "xD",
    "%",
    "~",
    "$",
    '"',
)

SAID = st.sampled_from(ENGLISH + OTHERS) | st.lists(st.sampled_from(PIECES), max_size=8).map("".join)
"""Real-looking texts, and odd ones."""

WORDY = st.lists(st.sampled_from(["the", "cat", "sat", "on", "mat", ".", "\n"]), max_size=16).map(" ".join)
"""Texts of few words, so that much is shared."""
