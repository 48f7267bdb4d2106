"""What the statistics of a study need beyond the base install."""

import importlib

from skillofmind.core.errors import MissingExtra


def require_eval() -> None:
    """Make sure that the extra `eval` is there.

    Raises:
        MissingExtra: it is not installed.
    """
    for name in ("numpy", "scipy.special"):
        try:
            importlib.import_module(name)
        except ImportError as error:
            raise MissingExtra(
                f"the statistics of a study need {name.partition('.')[0]}; pip install 'skillofmind[eval]'."
            ) from error
