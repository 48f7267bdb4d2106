"""One sentence for all processes of a run: the first that fails says why, the others leave without a word."""

import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING

from skillofmind.cli.printable import printable
from skillofmind.core.errors import SkillOfMindError

if TYPE_CHECKING:
    from skillofmind.train.shard import Ranks

_TOLD = "skillofmind-told"
_LOST = "another process of this run has ended; the same command goes on behind the newest checkpoint."


def follows(environment: Mapping[str, str] | None = None) -> bool:
    """Say whether torchrun started another process on this machine that says what all would say."""
    variables = os.environ if environment is None else environment
    return variables.get("LOCAL_RANK", "0") != "0"


@contextmanager
def told_once(here: "Ranks") -> Iterator[None]:
    """Let an error of the block be told by one process, whether all have it or only one.

    A process that waits for another one that is gone has that as its error.

    Args:
        here: this process among the others, joined.

    Raises:
        SystemExit: with code 2, in place of an error, where there are several processes.
    """
    try:
        yield
    except (SkillOfMindError, RuntimeError) as error:
        from skillofmind.train.shard import counted, is_of_a_lost_rank

        lost = not isinstance(error, SkillOfMindError) and is_of_a_lost_rank(error)
        if here.world == 1 or not (lost or isinstance(error, SkillOfMindError)):
            raise
        before = counted(_TOLD)
        # Where nobody counts any more, an own error is told twice rather than never.
        if before == 0 or (before is None and not lost):
            sys.stderr.write(f"som: {printable(_LOST if lost else str(error))}\n")
        raise SystemExit(2) from error
