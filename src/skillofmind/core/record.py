"""The base of all records.

Records are `msgspec` structs: immutable, typed, compared by value, and decoded from JSON with the type
checked in the same pass (docs/decisions/001-records.md has the measurement against pydantic).
"""

import msgspec


class Record(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """Immutable typed record; default fields are left out of its JSON, unknown fields are refused."""
