"""Ray as an option: what is said where it is missing or cannot be used. Its runs are in `test_ray`."""

import os
import sys
from pathlib import Path

import pytest

from skillofmind.core.errors import ConfigurationError, MissingExtra
from skillofmind.data.select import write_instances
from skillofmind.mind.annotate.spread.on_ray import ray_workers
from tests.cli.som import assert_refused, som
from tests.mind.annotate.rows import numbered


def test_a_missing_ray_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    before = dict(os.environ)
    with pytest.raises(MissingExtra, match=r"pip install 'skillofmind\[ray\]'"), ray_workers(2):
        raise AssertionError
    assert dict(os.environ) == before


@pytest.mark.parametrize("address", ["ray://head:10001", "head", ":6379", "head:port"])
def test_an_address_that_is_none_is_refused(address: str) -> None:
    with pytest.raises(ConfigurationError, match=r"name HOST:PORT|pip install"), ray_workers(2, address):
        raise AssertionError


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (
            ("--mode", "ray:workers=8", "--limits", "at_once=4"),
            "--limits at_once=4 is too little for 8 workers",
        ),
        (
            ("--mode", "ray:workers=8", "--limits", "rpm=4"),
            "--limits rpm=4 is too little for 8 workers",
        ),
        (("--mode", "live:address=auto"), "--mode live 'address=auto' is not understood"),
        (("--mode", "ray", "--cache", "c.db"), "--cache has no use with --mode ray"),
    ],
)
def test_options_that_do_not_fit_are_refused(tmp_path: Path, options: tuple[object, ...], said: str) -> None:
    file = tmp_path / "targets.jsonl"
    file.write_bytes(b"".join(write_instances(numbered(1))))
    words = ["annotate", file, tmp_path / "run", "--teacher", "t", "--base-url", "http://127.0.0.1:9/v1"]
    assert_refused(som(*words, *options), said)
