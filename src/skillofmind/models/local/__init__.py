"""Models in this process, through transformers and torch (extra `local`); importing this loads neither."""

from skillofmind.models.local.model import LocalModel

__all__ = ["LocalModel"]
