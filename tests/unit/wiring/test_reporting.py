"""What a listening kernel tells its server, where the server does not take it."""

from __future__ import annotations

import logging
import threading

import pytest

from brignb.archive.files import FileArchive
from brignb.errors import BadInput, NotFound
from brignb.wiring.reporting import Reporter

BUILD = "01JV3ZQ8M4T7Y2K9R5W6X0ABCD"


@pytest.mark.parametrize(("error", "said"), [(BadInput("started_at: too large"), 1), (NotFound("nobody listens"), 0)])
def test_a_word_that_is_refused_is_told(tmp_path, caplog, error, said) -> None:
    """A lease that is over is said by whoever minds it; a fact that the server cannot keep is said here, and nothing is asked again."""

    def refuse() -> None:
        raise error

    reporter = Reporter(BUILD, FileArchive(tmp_path), tell=refuse, append=refuse, lost=threading.Event())
    with caplog.at_level(logging.WARNING):
        assert reporter.insist(refuse) is False
    assert [BUILD in record.getMessage() for record in caplog.records] == [True] * said
