"""Which server a command speaks to, and with which token."""

import json

import pytest

from brignb.client.address import find_home, find_server
from brignb.errors import BadInput, Refused, Unreachable


@pytest.fixture
def environment(tmp_path):
    (tmp_path / "server.json").write_text(json.dumps({"url": "http://127.0.0.1:1/", "pid": 1}))
    (tmp_path / "token").write_text("of-the-home\n")
    return {"BRIGNB_HOME": str(tmp_path)}


def test_the_home_knows_both(environment):
    address = find_server(environment=environment)
    assert (address.url, address.token) == ("http://127.0.0.1:1", "of-the-home")
    assert "of-the-home" not in repr(address)


def test_the_environment_comes_first_and_the_option_before_it(environment):
    environment |= {"BRIGNB_SERVER": "https://b", "BRIGNB_TOKEN": "t"}
    assert find_server(environment=environment).url == "https://b"
    address = find_server("http://a", environment)
    assert (address.url, address.token) == ("http://a", "t")


@pytest.mark.parametrize("content", ["", "{}", "[]", "nonsense"])
def test_a_broken_server_file_is_no_server(environment, tmp_path, content):
    (tmp_path / "server.json").write_text(content)
    with pytest.raises(Unreachable):
        find_server(environment=environment)


@pytest.mark.parametrize("content", [b"", b"\n", b"\xff", b"caf\xc3\xa9", b"a\x00b", b"two\nlines"])
def test_a_broken_token_is_no_token(environment, tmp_path, content):
    """It goes into a header, so what a header cannot hold is told here."""
    (tmp_path / "token").write_bytes(content)
    with pytest.raises(Refused):
        find_server(environment=environment)


@pytest.mark.parametrize("url", ["localhost:7744", "ftp://x", "http://", "http:///", "://x", "x"])
def test_what_is_no_address(environment, url):
    with pytest.raises(BadInput):
        find_server(url, environment)


def test_without_a_home_of_its_own_it_is_the_platforms():
    assert find_home({}).name == "brignb"
    assert find_home({"BRIGNB_HOME": "relative"}).is_absolute()
