"""Best-fit decreasing: several short rows in one sequence, so that little of a batch is padding.

The longest row comes first and goes into the fullest bin that still has room for it (Johnson, 1973: never
more than 11/9 of the best number of bins, plus a constant). Rows are never cut.
"""

import bisect
from collections.abc import Sequence


def packed(lengths: Sequence[int], capacity: int) -> list[list[int]]:
    """Return bins of indices into `lengths`; a row longer than `capacity` has a bin of its own.

    Ties go by index, so the same lengths give the same bins.
    """
    bins: list[list[int]] = []
    rooms: list[tuple[int, int]] = []  # (room left, number of the bin), sorted
    for index in sorted(range(len(lengths)), key=lambda index: (-lengths[index], index)):
        place = bisect.bisect_left(rooms, (lengths[index], -1))
        if place == len(rooms):
            bins.append([index])
            room, number = capacity - lengths[index], len(bins) - 1
        else:
            room, number = rooms.pop(place)
            bins[number].append(index)
            room -= lengths[index]
        if room > 0:
            bisect.insort(rooms, (room, number))
    return bins
