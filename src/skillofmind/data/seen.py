"""Which ids were seen, in little memory: 64-bit hashes in an open-addressed table.

A Python set costs some 90 bytes an id; this costs 12 to 24, so that a million dialogues stay near 20 MB. Two
different ids share a hash with a probability of about n^2 / 2^65, one in 37 million for a million ids.
"""

import hashlib
from array import array

_SMALLEST = 1 << 10


class Seen:
    """A set of strings to which one can only add."""

    def __init__(self) -> None:
        """Start empty."""
        self._slots = array("Q", bytes(8 * _SMALLEST))
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def add(self, key: str) -> bool:
        """Add `key` and return whether it is new."""
        digest = hashlib.blake2b(key.encode("utf-8", "surrogatepass"), digest_size=8).digest()
        # 0 marks a free slot.
        if not self._place(int.from_bytes(digest, "little") or 1):
            return False
        self._count += 1
        if 3 * self._count > 2 * len(self._slots):
            self._grow()
        return True

    def _place(self, code: int) -> bool:
        slots, mask = self._slots, len(self._slots) - 1
        index = code & mask
        while slots[index]:
            if slots[index] == code:
                return False
            index = (index + 1) & mask
        slots[index] = code
        return True

    def _grow(self) -> None:
        old, self._slots = self._slots, array("Q", bytes(16 * len(self._slots)))
        for code in old:
            if code:
                self._place(code)
