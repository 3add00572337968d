"""What the words of the command line mean, and what those that mean nothing are told."""

import io
import os
import signal
import subprocess
import sys

import pytest

from brignb.cli import words
from brignb.cli.output import calm, table
from brignb.cli.showing import age, span
from brignb.errors import BadInput


@pytest.mark.parametrize(
    ("text", "ms"), [("30d", 2_592_000_000), ("12h", 43_200_000), ("90m", 5_400_000), ("1s", 1000)]
)
def test_durations(text, ms):
    assert words.duration_ms(text) == ms


@pytest.mark.parametrize("text", ["", "30", "d", "-1d", "0d", "1.5h", "30 d", "30D", "1e9d", "\u0663d", "9" * 40 + "d"])
def test_what_is_no_duration(text):
    with pytest.raises(BadInput):
        words.duration_ms(text)


def test_locks():
    assert words.locks("") == frozenset()
    assert words.locks("privileged, host-mounts,") == {"privileged", "host-mounts"}
    with pytest.raises(BadInput, match="root"):
        words.locks("privileged,root")


@pytest.mark.parametrize(
    ("seconds", "shown"), [(0, "0.0s"), (9.94, "9.9s"), (12, "12s"), (61, "1m"), (7200, "2h"), (90_000, "1d")]
)
def test_spans(seconds, shown):
    assert span(seconds) == shown


def test_ages_are_never_negative():
    """The server's clock may be ahead of this machine's."""
    assert age("2026-01-01T00:00:00.000Z", 0.0) == "0.0s ago"


def test_a_terminal_is_shown_strangers_texts_and_does_not_obey_them():
    assert calm("a\tb\r\x1b[31mred\x1b[0m") == "a\tb\r\x1b[31mred\x1b[0m"
    assert calm("\x1b[2J\x1b]0;title\x07\u202e\x9b1A") == "\ufffd[2J\ufffd]0;title\ufffd\ufffd\ufffd1A"


@pytest.mark.parametrize(
    "args",
    [
        ["nonsense"],
        ["build"],
        ["build", "get"],
        ["build", "list", "--limit", "0"],
        ["build", "list", "--limit", "many"],
        ["build", "list", "-o", "yaml"],
        ["serve", "--port", "65536"],
        ["serve", "--workers", "0"],
        ["serve", "--keep", "soon"],
        ["serve", "--keep-builds", "0"],
        ["serve", "--allow", "everything"],
        ["serve", "--executor", "podman"],
        ["serve", "--store", "mysql://db/brignb"],
        ["serve", "--store", "postgresql://u:hunter2@db:port/brignb"],
        ["run"],
        ["run", "nowhere.ipynb"],
        ["run", "nowhere.ipynb", "-p", "novalue"],
        ["run", "nowhere.ipynb", "--executor", "kubernetes"],
        ["run", "nowhere.ipynb", "--payload", "nowhere.json"],
        ["export", "nowhere.ipynb"],
        ["export", "nowhere.ipynb", "-o", "worker.ipynb"],
        ["project", "create"],
        ["project", "create", "-f", "nowhere.yaml"],
        ["build", "list", "--server", "ftp://x"],
        ["build", "list", "--server", "http://"],
    ],
)
def test_bad_usage_is_exit_2_with_a_reason_and_no_traceback(brignb, args):
    ended = brignb(*args)
    assert ended.code == 2
    assert args == ["build"] or ended.err.startswith("error: ")
    assert "Traceback" not in ended.err
    assert args == ["build"] or not ended.out


@pytest.mark.parametrize("word", ["podman", "kubernetes"])
def test_what_comes_later_says_so(brignb, word):
    assert "later" in brignb("serve", "--executor", word).err


def test_no_server_is_exit_3_and_says_how_to_start_one(brignb):
    ended = brignb("build", "list")
    assert ended.code == 3
    assert "brignb serve" in ended.err


def test_a_payload_comes_from_standard_input(monkeypatch):
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO("caf\u00e9".encode())))
    assert words.payload("-") == "caf\u00e9"


def test_a_payload_that_is_no_text_is_bad_input(tmp_path):
    file = tmp_path / "payload"
    file.write_bytes(b"\xff")
    with pytest.raises(BadInput, match="UTF-8"):
        words.payload(str(file))


def test_version(brignb):
    assert brignb("version").out.startswith("brignb ")
    assert brignb("version", "-o", "json").json["version"]


def test_help_teaches_every_command(brignb):
    for words_ in (["--help"], ["run", "--help"], ["build", "logs", "--help"], ["event", "create", "--help"]):
        ended = brignb(*words_)
        assert ended.code == 0
        assert "brignb" in ended.out


def test_a_bug_is_told_in_one_line(brignb, monkeypatch):
    """The last line of defence: whoever uses a program is not shown its inside, unless they ask."""

    def broken(_options):
        raise ZeroDivisionError("x")

    monkeypatch.setattr("brignb.wiring.serve", broken)
    ended = brignb("serve")
    assert ended.code == 1
    assert "BRIGNB_DEBUG" in ended.err
    assert "Traceback" not in ended.err
    monkeypatch.setenv("BRIGNB_DEBUG", "1")
    assert "Traceback" in brignb("serve").err


def test_an_interrupted_command_is_exit_130(brignb, monkeypatch):
    def interrupted(_options):
        raise KeyboardInterrupt

    monkeypatch.setattr("brignb.wiring.serve", interrupted)
    assert brignb("serve").code == 130


def test_options_reach_the_server_as_values(brignb, monkeypatch, tmp_path):
    asked = []
    monkeypatch.setattr("brignb.wiring.serve", lambda options: asked.append(options) or 0)
    more = (
        "--keep",
        "30d",
        "--keep-builds",
        5,
        "--allow",
        "privileged",
        "--workers",
        3,
        "--allow-host",
        "ci.example.com",
    )
    assert brignb("serve", "--home", tmp_path, "--port", 0, "--cr", *more).code == 0
    options = asked[0]
    assert (options.home, options.port, options.cr, options.workers) == (tmp_path, 0, True, 3)
    assert (options.keep_ms, options.keep_builds) == (30 * 86_400_000, 5)
    assert (options.allow, options.hosts) == ({"privileged"}, ("ci.example.com",))


def test_options_reach_a_run_as_values(brignb, monkeypatch, tmp_path):
    asked = []
    monkeypatch.setattr("brignb.wiring.run", lambda options: asked.append(options) or 1)
    payload = tmp_path / "payload.json"
    payload.write_text("{}")
    more = ("-p", "a=1", "-p", "b=x=y", "--payload", payload, "--event", "push")
    assert brignb("run", "n.ipynb", *more).code == 1
    assert asked[0].parameters == (("a", "1"), ("b", "x=y"))
    assert (asked[0].event, asked[0].payload, str(asked[0].notebook)) == ("push", "{}", "n.ipynb")


@pytest.mark.slow
def test_output_into_a_closed_pipe_is_quiet(home):
    """`brignb … | head` must not end in a traceback."""
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run(
        [sys.executable, "-m", "brignb", "version"], stdout=writer, stderr=subprocess.PIPE, text=True, check=False
    )
    os.close(writer)
    assert done.stderr == ""
    assert done.returncode == 128 + signal.SIGPIPE


@pytest.mark.slow
def test_help_does_not_load_the_server(home):
    """Lazy imports are what keeps `--help` and completion fast."""
    code = (
        "import sys; from brignb.cli import main; main(['--help']);"
        "print([m for m in ('httpx', 'fastapi', 'sqlalchemy', 'papermill', 'IPython', 'uvicorn') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


def test_a_narrow_terminal_breaks_no_id(monkeypatch, capsys):
    """An id over two lines cannot be copied into the next command."""
    monkeypatch.setenv("COLUMNS", "50")
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    build = "01M858PT23BBS5044A5ECY134B"
    table(("BUILD", "PROJECT", "STATE"), [(build, "somebody/with-a-long-repository-name", "succeeded")])
    out = capsys.readouterr().out
    assert build in out
    assert "succeeded" in out
