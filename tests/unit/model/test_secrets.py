"""Secrets are texts that do not show themselves."""

from __future__ import annotations

import copy
import pickle

import pytest

from brignb.errors import BrignbError, SecretMissing
from brignb.model.secrets import Secret, Secrets

SECRETS = Secrets({"TOKEN": "s3cr3t-value"}, project="o/r")


def test_a_secret_is_a_text():
    """The contract: a `str` subclass whose repr is `'***'`; a job's env takes it as it is."""
    secret = SECRETS["TOKEN"]
    assert secret == "s3cr3t-value"
    assert f"{secret}" == "s3cr3t-value"
    assert repr(secret) == f"{secret!r}" == "'***'"
    assert repr([secret]) == "['***']"
    assert isinstance(copy.copy(secret), Secret)
    assert isinstance(pickle.loads(pickle.dumps(secret)), Secret)


def test_secrets_show_their_names_only():
    """A notebook displays what stands last in a cell."""
    for shown in (repr(SECRETS), str(SECRETS), repr(dict(SECRETS)), f"{SECRETS}"):
        assert "s3cr3t" not in shown
    assert "TOKEN" in repr(SECRETS)


def test_it_is_a_mapping():
    assert dict(SECRETS) == {"TOKEN": "s3cr3t-value"}
    assert SECRETS.get("NONE") is None
    assert SECRETS.get("NONE", "x") == "x"
    assert "NONE" not in SECRETS
    assert len(SECRETS) == 1


def test_a_missing_secret_says_where_secrets_come_from():
    """The contract: an error that names the file, the variable and the prompt; and still a KeyError."""
    with pytest.raises(SecretMissing) as caught:
        SECRETS["NONE"]
    assert isinstance(caught.value, KeyError)
    assert isinstance(caught.value, BrignbError)
    for word in ("o/r", "'NONE'", "project file", "BRIGNB_SECRET_NONE", "prompt"):
        assert word in str(caught.value)
