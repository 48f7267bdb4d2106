import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skillofmind.core.errors import DataError
from skillofmind.data.exchange.lookup import Lookup

VALUES = st.dictionaries(st.text(max_size=4), st.integers() | st.text(max_size=6) | st.none(), max_size=3)


@given(st.dictionaries(st.text(max_size=5), VALUES, max_size=8), st.sampled_from([None, 2]))
def test_every_entry_is_found_and_nothing_else(
    tmp_path_factory: pytest.TempPathFactory, table: dict[str, dict[str, object]], indent: int | None
) -> None:
    file = tmp_path_factory.mktemp("lookup") / "table.json"
    file.write_text(json.dumps(table, indent=indent), "utf-8")
    with Lookup(file) as lookup:
        assert {key: lookup.get(key) for key in table} == table
        assert lookup.get("not in any of them") == {}


def test_no_file_is_an_empty_table() -> None:
    with Lookup(None) as lookup:
        assert lookup.get("a") == {}


@pytest.mark.parametrize(
    "text", ['{"a": {}', '{"a": 3}', "[1]", '[{"a": 1}]', '{"a": {}} {', '{"a": {"b": }}', '"a"']
)
def test_what_is_no_table_is_refused(tmp_path: Path, text: str) -> None:
    file = tmp_path / "table.json"
    file.write_text(text, "utf-8")
    with pytest.raises(DataError, match=r"table\.json: "):
        Lookup(file)
