"""Finding near-duplicates among made-up dialogues: with numpy, and in plain Python.

A dialogue has ten turns of fifteen words, drawn with the uneven frequencies of real words; one in ten is an
edited copy of another (2 % of its words replaced). Every measurement is a fresh process, so it includes the
start of Python and making the dialogues, which is also measured alone. Plain Python is the same code in a
process where numpy cannot be imported; both must find the same pairs.
"""

import functools
import random
import subprocess
import sys
from itertools import accumulate

import msgspec

from benchmarks.measure import Json, both, interleaved, machine, parser, report, spent_by_process
from skillofmind.core.dialogue import Dialogue, Turn
from skillofmind.data.duplicates import near_duplicates

WORDS = [f"word{n}" for n in range(20_000)]
TOTALS = list(accumulate(1 / (n + 10) for n in range(20_000)))
WITHOUT_NUMPY = "import sys; sys.modules['numpy'] = None; "


def made(count: int, seed: int = 0) -> list[Dialogue]:
    """Return `count` dialogues, one in ten an edited copy of the one before it."""
    random_numbers = random.Random(seed)
    found: list[Dialogue] = []
    words: list[str] = []
    for number in range(count):
        copy = number % 10 == 9
        words = (
            _edited(words, random_numbers)
            if copy
            else random_numbers.choices(WORDS, cum_weights=TOTALS, k=150)
        )
        turns = tuple(Turn("AB"[n % 2], " ".join(words[15 * n : 15 * n + 15])) for n in range(10))
        found.append(Dialogue(turns, id=f"bench:{number}"))
    return found


def _edited(words: list[str], random_numbers: random.Random) -> list[str]:
    return [random_numbers.choice(WORDS) if random_numbers.random() < 0.02 else word for word in words]


def run(count: int, *, search: bool = True) -> None:
    """Make the dialogues and, unless told otherwise, look for near-duplicates; write their number."""
    dialogues = made(count)
    pairs = list(near_duplicates(dialogues)) if search else []
    sys.stdout.write(msgspec.json.encode([len(pairs), pairs[:20]]).decode())


def measure(count: int, rounds: int) -> Json:
    """Return seconds for half and all of the dialogues, and for plain Python."""
    code = "from benchmarks.near_duplicates import run; run({}, search={})"
    arms = {
        "only making them": code.format(count, False),
        "numpy, half of them": code.format(count // 2, True),
        "numpy": code.format(count, True),
        "plain Python": WITHOUT_NUMPY + code.format(count, True),
    }
    outputs = {name: _output(arms[name]) for name in ("numpy", "plain Python")}
    if len(set(outputs.values())) > 1:
        raise ValueError(f"plain Python and numpy find different pairs: {outputs!r:.200}")
    found = interleaved(
        {
            name: functools.partial(spent_by_process, [sys.executable, "-c", text])
            for name, text in arms.items()
        },
        rounds,
    )
    return {
        "dialogues": count,
        "pairs": msgspec.json.decode(outputs["numpy"])[0],
        "arms": {name: both(values, 2) for name, values in found.items()},
    }


def _output(code: str) -> str:
    return subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout


def main() -> None:
    """Run the benchmark."""
    made_parser = parser(__doc__)
    made_parser.add_argument("--dialogues", type=int, default=10_000, help="how many (default: 10000)")
    made_parser.add_argument("--rounds", type=int, default=3, help="interleaved rounds (default: 3)")
    options = made_parser.parse_args()
    result = measure(options.dialogues, options.rounds)
    report({"benchmark": "near_duplicates", "machine": machine(), **result}, options.out)


if __name__ == "__main__":
    main()
