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
        sentence = _sentence(error)
        if here.world == 1 or not sentence:
            raise
        if _is_first():
            sys.stderr.write(f"som: {printable(sentence)}\n")
        raise SystemExit(2) from error


def _sentence(error: Exception) -> str:
    """Return what to say; empty for what only a traceback can explain."""
    from torch.distributed import DistError

    if isinstance(error, SkillOfMindError):
        return str(error)
    # gloo has no class of its own for a peer that is gone.
    lost = isinstance(error, DistError) or any(word in str(error) for word in ("gloo", "Connection"))
    return _LOST if lost else ""


def _is_first() -> bool:
    from torch.distributed import distributed_c10d

    try:
        return bool(distributed_c10d._get_default_store().add(_TOLD, 1) == 1)
    except (RuntimeError, ValueError):
        # The process that kept the count is gone; better twice than never.
        return True
