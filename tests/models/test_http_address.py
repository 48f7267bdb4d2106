import pytest

from skillofmind.core.errors import ConfigurationError
from skillofmind.models.http_address import Address, read_address


@pytest.mark.parametrize(
    ("base_url", "url"),
    [
        ("http://host:8000", "http://host:8000/v1/models"),
        ("http://host:8000/", "http://host:8000/v1/models"),
        ("http://host:8000/v1", "http://host:8000/v1/models"),
        (" http://host:8000/v1/ ", "http://host:8000/v1/models"),
        ("http://host/v1/chat/completions", "http://host/v1/models"),
        ("http://host/v1/chat/completions/", "http://host/v1/models"),
        ("http://host/chat/completions", "http://host/models"),
        ("HTTPS://host/openai/api", "https://host/openai/api/models"),
        ("http://[::1]:80/v1", "http://[::1]:80/v1/models"),
        ("http://host/v1?api-version=2", "http://host/v1/models?api-version=2"),
    ],
)
def test_what_users_paste_is_understood(base_url: str, url: str) -> None:
    assert read_address(base_url).url("models") == url


def test_secrets_are_kept_apart() -> None:
    address = read_address("https://ann:p%40ss@host/v1?key=0123456789&v=1")
    secrets = ("0123456789", "p@ss")
    assert address == Address("https://host/v1", "key=0123456789&v=1", ("ann", "p@ss"), secrets)


@pytest.mark.parametrize(
    "base_url", ["", "host:8000", "ftp://host", "http://", "http://host:port", "http://a b/"]
)
def test_other_addresses_are_refused(base_url: str) -> None:
    with pytest.raises(ConfigurationError, match=r"base_url .* is not the address of a server"):
        read_address(base_url)


def test_a_refused_address_keeps_its_password() -> None:
    with pytest.raises(ConfigurationError) as caught:
        read_address("ftp://ann:hush@host/v1?key=hush")
    assert "hush" not in str(caught.value)
    assert "'host/v1'" in str(caught.value)
