"""What every executor must do. A new one is one more way of making it, below."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

import kube
import pytest
import serverside

from brignb.errors import JobRefused, NotFound
from brignb.executors import sandbox
from brignb.executors.backlog import FULL
from brignb.executors.kubernetes.cluster import Cluster
from brignb.executors.process import ProcessExecutor
from brignb.executors.seam import Executor
from brignb.model.builds import State
from brignb.model.jobs import Cache, Docker, Host, JobSpec, Resources, Storage

BUILD = "01JV3ZQ8M4T7Y2K9R5W6X0ABCD"
ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
WITHIN = 20
"""Seconds for anything here, on a machine with other things to do."""


def _ids():
    for number in itertools.count():
        digits = (ALPHABET[number // 32**place % 32] for place in (2, 1, 0))
        yield "01jv3zq8m4t7y2k9r5w6x0a" + "".join(digits)


IDS = _ids()
"""Each once: a cluster has not forgotten the last test's pods when the next one begins."""


@dataclass
class Bench:
    """An executor and short words to try it with."""

    executor: Executor
    folder: Path
    sandboxed: bool = True
    """Whether a job sees its folders where the specification says."""
    image: str | None = None
    here: bool = True
    """Whether jobs run on this machine, on its files; else on copies."""
    patience: float = WITHIN
    """Seconds until the last of many jobs has ended."""
    base: frozenset[str] = frozenset({"PATH", "HOME", "LANG", "BRIGNB_OUTPUT"})
    """Variables that a job has besides its own."""

    @property
    def source(self) -> Path:
        return self.folder / "src"

    def spec(self, *tasks: str, name: str = "job", **fields) -> JobSpec:
        facts = {
            "id": f"{name}-{next(IDS)}",
            "build_id": BUILD,
            "project": "owner/repo",
            "source": str(self.source),
            "image": self.image,
        }
        return JobSpec(name=name, tasks=tasks, **{**facts, **fields})

    async def start(self, *tasks: str, **fields) -> str:
        spec = self.spec(*tasks, **fields)
        await self.executor.start(spec)
        return spec.id

    async def lines(self, job: str, after: int = 0):
        async with asyncio.timeout(self.patience):
            return [line async for batch in self.executor.logs(job, after) for line in batch]

    async def run(self, *tasks: str, **fields):
        """Status and lines of a job, once it has ended."""
        job = await self.start(*tasks, **fields)
        lines = await self.lines(job)
        status = await self.executor.wait(job)
        assert status.reason != "start", (
            lines
        )  # why the machine could not start it, which is none of the test's business
        return status, lines

    async def said(self, *tasks: str, stream: str = "stdout", **fields) -> list[str]:
        """Its lines of one stream."""
        status, lines = await self.run(*tasks, **fields)
        assert status.succeeded, (status, lines)
        return _whole(lines, stream)

    async def first_line(self, job: str) -> str:
        """What it says first; it is running then."""
        async with asyncio.timeout(WITHIN):
            async for batch in self.executor.logs(job):
                for line in batch:
                    if line.stream != "system":
                        return line.text
        raise AssertionError(f"{job} ended without a word")


def _whole(lines, stream: str) -> list[str]:
    """Lines of one stream, their parts put together."""
    text, whole = "", []
    for line in (line for line in lines if line.stream == stream):
        text += line.text
        if not line.partial:
            whole.append(text)
            text = ""
    assert text == "", "a log ends with a whole line"
    return whole


def _arguments() -> list[str]:
    """Of each process of this machine, each with a NUL at its end."""
    found = []
    for folder in Path("/proc").iterdir():
        try:
            found += [(folder / "cmdline").read_text("utf-8", "replace")] if folder.name.isdigit() else []
        except OSError:  # it ended meanwhile
            continue
    return found


def _alive(mark: str) -> list[str]:
    """Processes with this word among their arguments."""
    return [arguments for arguments in _arguments() if mark in arguments.split("\0")]


async def _gone(mark: str) -> bool:
    """Whether they all are. Of a container, the kernel takes the last ones a moment after the first."""
    for _ in range(40):
        if not _alive(mark):
            return True
        await asyncio.sleep(0.05)
    return False


def _descriptors() -> int:
    return len([*Path("/proc/self/fd").iterdir()])


def _shell(*argv) -> None:
    subprocess.run(argv, check=True)


def _process(folder: Path, *, sandboxed: bool) -> Executor:
    if sandboxed and (why := sandbox.why_not()):
        pytest.skip(why)
    now = lambda: int(time.time() * 1000)  # noqa: E731
    return ProcessExecutor(folder / "work", now_ms=now, cache=folder / "cache", sandboxed=sandboxed, grace=1.0)


class _Cluster:
    """In a cluster: a pod has what Kubernetes gives every container."""

    base = frozenset({"PATH", "HOME", "BRIGNB_OUTPUT", "HOSTNAME"})

    @staticmethod
    def bench(folder: Path, executor: Executor) -> Bench:
        return Bench(executor, folder, image=kube.IMAGE, here=False, patience=3 * WITHIN, base=_Cluster.base)

    @staticmethod
    @contextlib.asynccontextmanager
    async def served(folder: Path, namespace: str):
        """By a server, which has one way to the cluster for all of its builds."""
        cluster = Cluster(namespace=namespace)
        make = lambda _build, _project: kube.executor(folder / "work", namespace, cluster=cluster, shared=True)  # noqa: E731
        async with serverside.workers(folder, make) as workers:
            bench = _Cluster.bench(folder, workers)
            yield bench
            await bench.executor.close()
        await cluster.close()


@pytest.fixture(scope="session")
def namespace():
    with kube.namespace() as name:
        yield name


EXECUTORS = (
    "process-bubblewrap",
    "process-supervised",
    pytest.param("kubernetes", marks=[pytest.mark.slow, pytest.mark.cluster]),
    pytest.param("server", marks=[pytest.mark.slow, pytest.mark.cluster]),
)


@pytest.fixture(params=EXECUTORS)
async def bench(request, tmp_path):
    (tmp_path / "src").mkdir()
    if request.param in {"kubernetes", "server"} and (own := request.node.get_closest_marker("process_only")):
        pytest.skip(own.args[0])
    if request.param == "server":
        async with _Cluster.served(tmp_path, request.getfixturevalue("namespace")) as bench:
            yield bench
        return
    if request.param == "kubernetes":
        bench = _Cluster.bench(tmp_path, kube.executor(tmp_path / "work", request.getfixturevalue("namespace")))
    else:
        sandboxed = request.param == "process-bubblewrap"
        base = Bench.base | (set() if sandboxed else {"TMPDIR"})
        bench = Bench(_process(tmp_path, sandboxed=sandboxed), tmp_path, sandboxed, base=base)
    yield bench
    await bench.executor.close()


process_only = pytest.mark.process_only
"""Why a test is about the process executor alone."""


# How a job ends


@pytest.mark.parametrize("code", [1, 2, 77, 127, 128, 255])
async def test_exit_codes(bench, code):
    """The author's `if` stands on them."""
    status, _ = await bench.run(f"exit {code}")
    assert (status.state, status.exit_code, status.reason) == (State.FAILED, code, "exit_code")


async def test_success_has_its_times(bench):
    """The record shows how long it took."""
    status, _ = await bench.run("sleep 0.1")
    assert (status.state, status.exit_code, status.reason) == (State.SUCCEEDED, 0, None)
    assert 100 <= status.finished_at - status.started_at < WITHIN * 1000


@pytest.mark.parametrize(("name", "code"), [("KILL", 137), ("TERM", 143), ("SEGV", 139)])
async def test_signals_give_a_shells_exit_code(bench, name, code):
    """128 + signal, and its name for people."""
    status, _ = await bench.run(f"kill -{name} $$")
    assert (status.state, status.exit_code, status.reason) == (State.FAILED, code, "signal")
    assert f"SIG{name}" in status.message


async def test_timeout_kills(bench):
    """v1 only stopped waiting (its issue 902)."""
    status, lines = await bench.run("sleep 1000.25", timeout=0.3)
    assert (status.state, status.reason) == (State.TIMED_OUT, "timeout")
    assert "0.3 s" in lines[-1].text
    assert await _gone("1000.25")


@pytest.mark.slow
async def test_a_job_that_will_not_end_is_killed_after_its_grace(bench):
    """SIGTERM is a request."""
    job = await bench.start("trap 'echo no' TERM", "echo up", "while :; do sleep 0.05 || true; done")
    await bench.first_line(job)
    begin = time.monotonic()
    await bench.executor.cancel(job)
    assert 0.9 < time.monotonic() - begin < WITHIN
    assert "no" in _whole(await bench.lines(job), "stdout")


async def test_a_job_may_clean_up_when_it_is_told_to_end(bench):
    """It has the grace for it, and its last words are kept."""
    job = await bench.start("trap 'echo bye; exit 5' TERM", "echo up", "while :; do sleep 0.05 || true; done")
    await bench.first_line(job)
    await bench.executor.cancel(job)
    status = await bench.executor.wait(job)
    assert (status.state, status.reason, status.exit_code) == (State.CANCELED, "canceled", 5)
    assert _whole(await bench.lines(job), "stdout") == ["up", "bye"]


async def test_canceling_what_has_ended_changes_nothing(bench):
    """The contract says so of builds, the seam of jobs."""
    status, lines = await bench.run("echo a")
    job = next(iter(bench.executor._runs))
    await bench.executor.cancel(job)
    assert await bench.executor.status(job) == status
    assert await bench.lines(job) == lines


ORPHANS = (
    "setsid sleep 1000.5 &",
    "nohup sleep 1000.5 >/dev/null 2>&1 &",
    "(setsid sh -c 'setsid sleep 1000.5 >/dev/null 2>&1 & exit' &)",
    "(trap '' TERM HUP; setsid sh -c 'trap \"\" TERM; sleep 1000.5; sleep 1000.5') &",
)


@pytest.mark.parametrize("how", ["ends", "fails", "canceled", "timeout"])
@pytest.mark.slow
async def test_no_process_outlives_its_job(bench, how):
    """Not in another session, not with another parent, not with closed pipes, not with open ones."""
    last = {"ends": "exit 0", "fails": "exit 3"}.get(how, "sleep 1000.5")
    job = await bench.start(*ORPHANS, "sleep 0.1", "echo up", last, timeout=0.8 if how == "timeout" else 60)
    await bench.first_line(job)
    if how == "canceled":
        await bench.executor.cancel(job)
    async with asyncio.timeout(WITHIN):
        status = await bench.executor.wait(job)
    assert await _gone("1000.5")
    assert status.state == {"ends": "succeeded", "fails": "failed", "canceled": "canceled", "timeout": "timed_out"}[how]


async def test_close_kills_at_once(bench):
    """An executor's end is its jobs' end."""
    job = await bench.start("trap '' TERM", "echo up", "sleep 1000.75", "sleep 1000.75")
    await bench.first_line(job)
    begin = time.monotonic()
    await bench.executor.close()
    assert time.monotonic() - begin < 0.9 or not bench.here, "it waited for the grace"
    assert await _gone("1000.75")
    assert (await bench.executor.status(job)).state is State.CANCELED
    with pytest.raises(JobRefused):
        await bench.start("true")


# What it says


@process_only("a pod's log is one stream")
async def test_streams_are_told_apart(bench):
    """stderr is red in the record."""
    _, lines = await bench.run("echo out", "sleep 0.05", "echo err >&2", "sleep 0.05", "echo out again")
    told = [(line.stream, line.text) for line in lines if line.stream != "system"]
    assert told == [("stdout", "out"), ("stderr", "err"), ("stdout", "out again")]


async def test_the_beginning_of_a_line_is_shown_before_its_end(bench):
    """A prompt, a slow progress line; its end joins it."""
    _, lines = await bench.run("printf 'wait'", "sleep 0.4", "printf 'ed\\n'", "printf 'rest'")
    told = [(line.text, line.partial) for line in lines if line.stream == "stdout"]
    assert told[:2] == [("wait", True), ("ed", False)]
    whole = _whole(lines, "stdout")  # on a busy machine `rest` is shown before the job has ended, too
    assert whole == ["waited", "rest"]
    first, second = [line.at for line in lines if line.stream == "stdout"][:2]
    assert second - first > 200


async def test_long_lines_come_in_parts_and_whole(bench):
    """A bundler prints a megabyte in one line."""
    text = await bench.said("head -c 3000000 /dev/zero | tr '\\0' x", "echo")
    assert [len(line) for line in text] == [3_000_000]


async def test_bytes_that_are_no_text_are_marked_and_the_rest_survives(bench):
    """U+FFFD; a NUL stays; a character split between two writes is whole."""
    said = await bench.said("printf 'a\\377b\\n\\000\\n'", "printf '\\303'", "sleep 0.2", "printf '\\244\\n'")
    assert said == ["a\ufffdb", "\0", "ä"]


async def test_progress_with_carriage_returns_is_one_line(bench):
    """As `curl` and `pip` draw it."""
    assert await bench.said("printf '10%%\\r50%%\\r100%%\\n'") == ["10%\r50%\r100%"]


@pytest.mark.slow
async def test_a_loud_job_is_told_whole_and_in_order(bench):
    """100,000 lines, none lost, none twice."""
    said = await bench.said("seq 100000")
    assert said == [str(number) for number in range(1, 100_001)]


async def test_a_follower_goes_on_where_it_was(bench):
    """A connection breaks in the middle of a batch; the rest is told by number."""
    job = await bench.start("seq 5000", "sleep 0.1", "seq 5001 6000")
    head = []
    async for batch in bench.executor.logs(job):
        head += batch[:1234]
        break
    rest = await bench.lines(job, after=len(head))
    assert _whole(head + rest, "stdout") == [str(number) for number in range(1, 6001)]


@pytest.mark.slow
async def test_the_last_lines_can_be_asked_for_again(bench):
    """At least the last 1,000, also when the job has ended."""
    _, lines = await bench.run("seq 9000")
    job = next(iter(bench.executor._runs))
    assert await bench.lines(job, after=len(lines) - 1000) == lines[-1000:]


@pytest.mark.slow
async def test_a_slow_reader_stalls_the_job_and_not_the_memory(bench):
    """Without one, a job that writes for ever would fill this process; a reader gets all of it then."""
    job = await bench.start("yes 0123456789 | head -n 400000", 'echo "END=1" >> "$BRIGNB_OUTPUT"')
    await asyncio.sleep(0.3)  # a reader who is away
    if bench.here:
        assert bench.executor._runs[job]._backlog._untold_weight < 2 * FULL
        assert (await bench.executor.status(job)).state is State.RUNNING
    assert len(_whole(await bench.lines(job), "stdout")) == 400_000
    assert (await bench.executor.wait(job)).outputs == {"END": "1"}


async def test_a_quiet_job_ends_without_a_reader(bench):
    """`wait` needs nobody who reads."""
    job = await bench.start("seq 1000")
    async with asyncio.timeout(WITHIN):
        assert (await bench.executor.wait(job)).succeeded
    assert len(_whole(await bench.lines(job), "stdout")) == 1000


async def test_a_background_process_with_the_pipes_does_not_hold_the_job_up(bench):
    """A daemon that was started by a task keeps stdout open."""
    begin = time.monotonic()
    assert await bench.said("sleep 1000.125 &", "echo done") == ["done"]
    assert time.monotonic() - begin < WITHIN / 2
    assert await _gone("1000.125")


# What it runs


async def test_the_environment_is_the_declared_one_and_a_small_base(bench, monkeypatch):
    """Nothing of ours leaks: not tokens, not proxies, not the virtual environment."""
    monkeypatch.setenv("BRIGNB_TOKEN", "of-the-server")
    said = await bench.said("env", env={"NAME": "a value\nof two lines", "EMPTY": ""})
    names = {line.split("=")[0] for line in said if "=" in line} - {"PWD", "OLDPWD", "SHLVL", "_"}
    names -= {name for name in names if name.startswith("KUBERNETES_") and not bench.here}
    assert names == bench.base | {"NAME", "EMPTY"}
    assert "NAME=a value" in said
    assert "EMPTY=" in said


async def test_the_environment_can_replace_the_base(bench):
    """PATH and HOME are the author's to set."""
    assert await bench.said("echo $HOME:$LANG", env={"HOME": "/nowhere", "LANG": "C"}) == ["/nowhere:C"]


async def test_no_secret_is_seen_from_outside(bench):
    """`ps` shows arguments to everybody."""
    job = await bench.start("echo up", "sleep 1000.375", env={"TOKEN": "s3cr3t-value"})
    await bench.first_line(job)
    seen = _arguments()
    await bench.executor.cancel(job)
    assert any("hook/main.sh" in arguments for arguments in seen)
    assert not any("s3cr3t-value" in arguments for arguments in seen)


async def test_tasks_stop_at_the_first_failure_as_in_v1(bench):
    """`set -e` for /bin/sh."""
    status, lines = await bench.run("echo one", "false", "echo two")
    assert (status.exit_code, _whole(lines, "stdout")) == (1, ["one"])


@process_only("the image has no bash")
async def test_bash_fails_with_a_pipes_first_failure(bench):
    """`set -eo pipefail` for /bin/bash, which the sh would not do."""
    status, _ = await bench.run("false | cat", shell="/bin/bash")
    assert status.exit_code == 1
    status, _ = await bench.run("false | cat")
    assert status.exit_code == 0


async def test_arguments_go_to_the_script_or_the_command(bench):
    """As v1 does (derived in the reference)."""
    assert await bench.said('echo "$1|$2"', args=("a b", "$HOME")) == ["a b|$HOME"]
    assert await bench.said(command=("printf", "%s\\n"), args=("a b", "c")) == ["a b", "c"]


@process_only("a runtime says it in its own words: tests/cluster")
async def test_a_command_that_is_not_there_fails_as_in_a_shell(bench):
    """127, with words on stderr."""
    status, lines = await bench.run(command=("no-such-program",))
    assert (status.state, status.exit_code) == (State.FAILED, 127)
    assert "no-such-program" in "".join(_whole(lines, "stderr"))


async def test_stdin_is_empty(bench):
    """A tool that asks must not wait for ever."""
    assert await bench.said("cat", "echo end") == ["end"]


async def test_outputs_reach_the_author(bench):
    """The last of a name counts; a line that is none is told, and fails nothing."""
    status, lines = await bench.run(
        'echo "WHEEL=dist/a=b.whl" >> "$BRIGNB_OUTPUT"',
        'echo "TAG=1" >> "$BRIGNB_OUTPUT"; echo "not a pair" >> "$BRIGNB_OUTPUT"; echo "TAG=2" >> "$BRIGNB_OUTPUT"',
        'printf "NOTES<<END\\nfirst\\n\\nsecond\\nEND\\n" >> "$BRIGNB_OUTPUT"',
    )
    assert status.outputs == {"WHEEL": "dist/a=b.whl", "TAG": "2", "NOTES": "first\n\nsecond"}
    assert status.succeeded
    assert "line 3" in _whole(lines, "system")[-1]


async def test_outputs_of_a_failed_job_are_kept(bench):
    """They may say why."""
    status, _ = await bench.run('echo "WHY=because" >> "$BRIGNB_OUTPUT"', "exit 1")
    assert status.outputs == {"WHY": "because"}


async def test_it_starts_in_the_source_and_can_write_it(bench):
    """`/src` where there is a sandbox or a container, the folder itself where there is none."""
    (bench.source / "in").write_text("from outside")
    said = await bench.said("pwd", "cat in", "echo x > out")
    assert said == ["/src" if bench.sandboxed else str(bench.source), "from outside"]
    assert (bench.source / "out").exists() == bench.here


@process_only("the image has no git: tests/cluster")
async def test_git_works_in_the_source(bench):
    """The checkout is a work tree (contract, "Notebook"); git refuses those of other owners."""
    _shell("git", "init", "-q", bench.source)
    status, lines = await bench.run(
        "echo x > file",
        "git add file",
        "git -c user.name=n -c user.email=e commit -qm first",
        "git status --short",
        "git log --format=%s",
    )
    assert status.succeeded, lines
    assert _whole(lines, "stdout") == ["first"]


async def test_without_source_it_starts_in_a_tmp_of_its_own(bench):
    """And finds nothing of the source there."""
    (bench.source / "in").touch()
    before = await bench.said("ls -A", "touch $HOME/mine", use_source=False)
    assert "in" not in before
    assert await bench.said("ls -A $HOME", use_source=False) == before, "what one job left, another finds"


async def test_the_working_directory_is_taken_from_the_source(bench):
    """Relative, or absolute below the mount path."""
    (bench.source / "sub").mkdir()
    for name in ("sub", "/src/sub", "./sub/../sub"):
        assert (await bench.said("basename $PWD", working_directory=name)) == ["sub"]
    assert await bench.said("pwd", working_directory="/usr") == ["/usr"]


@pytest.mark.parametrize(
    ("fields", "word"),
    [
        pytest.param({"working_directory": "nowhere"}, "working_directory", marks=process_only("a runtime makes it")),
        pytest.param({"shell": "/bin/no-such-shell"}, "shell", marks=process_only("only the image knows")),
        ({"source": "/no/such/source"}, "source"),
        ({"docker": Docker(enabled=True)}, "docker"),
        pytest.param({"volumes": ({"name": "v"},)}, "volumes", marks=process_only("Kubernetes has volumes")),
        ({"volume_mounts": ({"name": "v"},)}, "volume_mounts"),
        pytest.param({"sidecars": {"db": {"image": "x"}}}, "sidecars", marks=process_only("a pod has sidecars")),
        pytest.param(
            {"env": {"A": {"secretKeyRef": {"name": "n", "key": "k"}}}},
            "secretKeyRef",
            marks=process_only("Kubernetes has Secrets"),
        ),
        ({"env": {"A": "nul\0inside"}}, "env"),
        ({"env": {"A=B": "x"}}, "env"),
        ({"args": ("nul\0inside",)}, "args"),
        ({"command": ("true",)}, "command"),
        ({"artifacts": ("../secret",)}, "artifacts"),
        ({"artifacts": ("/etc/passwd",)}, "artifacts"),
        ({"inputs": ("../../etc",)}, "inputs"),
        ({"mount_path": "/"}, "mount_path"),
        ({"mount_path": "/proc/1"}, "mount_path"),
        ({"storage": Storage(enabled=True, path="/src")}, "storage"),
        ({"storage": Storage(enabled=True, path="relative")}, "storage"),
        ({"id": "../../../x"}, "id"),
    ],
)
async def test_what_it_cannot_do_is_refused_by_name(bench, fields, word):
    """Before anything has started, with the field's name, and nothing left of it."""
    spec = bench.spec("true", **fields)
    with pytest.raises(JobRefused) as refused:
        await bench.executor.start(spec)
    assert word in str(refused.value)
    with pytest.raises(NotFound):
        await bench.executor.status(spec.id)
    assert [*(bench.folder / "work").glob("jobs/*")] == []


@process_only("an image's entry point is what a pod is for")
async def test_an_images_entry_point_is_refused(bench):
    """There is no image: neither tasks nor a command is nothing to run."""
    with pytest.raises(JobRefused, match="entry point"):
        await bench.executor.start(bench.spec(image="alpine"))


@process_only("a pod has all of it")
async def test_what_it_runs_without_is_reported_at_the_logs_beginning(bench):
    """By name, only what was asked for, and the job runs."""
    asked = {
        "image": "python:3.12",
        "privileged": True,
        "resources": Resources(limits={"cpu": "1"}),
        "host": Host(os="windows"),
        "service_account": "robot",
        "annotations": {"a": "b"},
        "image_pull_policy": "Always",
        "image_pull_secrets": ("regcred",),
    }
    _, lines = await bench.run("echo ran", **asked)
    reports = [line.text.split(":")[0] for line in lines if line.stream == "system"]
    assert set(reports) - {"mount_path"} == set(asked)
    assert lines[-1].text == "ran"
    _, lines = await bench.run("echo ran", use_source=False)
    assert [line.text for line in lines] == ["ran"]


# Folders


async def test_storage_is_shared_within_a_build(bench):
    """And not with another build."""
    storage = Storage(enabled=True)
    place = "/mnt/brigade/share" if bench.sandboxed else "$BRIGNB_STORAGE"
    await bench.run(f"echo x > {place}/f", storage=storage)
    assert await bench.said(f"cat {place}/f", "ls $BRIGNB_STORAGE", storage=storage) == ["x", "f"]
    assert await bench.said(f"ls {place}", storage=storage, build_id=BUILD[:-1] + "E") == []


async def test_a_cache_is_kept_between_builds(bench):
    """Per project and job name."""
    cache = Cache(enabled=True)
    place = "/mnt/brigade/cache" if bench.sandboxed else "$BRIGNB_CACHE"
    await bench.run(f"echo x > {place}/f", cache=cache)
    assert await bench.said(f"cat {place}/f", cache=cache, build_id=BUILD[:-1] + "E") == ["x"]
    assert await bench.said(f"ls {place}", cache=cache, name="other") == []
    assert await bench.said(f"ls {place}", cache=cache, project="other/repo") == []


async def test_artifacts_of_one_job_are_inputs_of_another(bench):
    """At the same relative paths, whatever became of the source meanwhile."""
    status, lines = await bench.run(
        "mkdir -p dist/deep", "echo w > dist/a.whl", "echo d > dist/deep/d.txt", "echo n > other",
        artifacts=("dist/*.whl", "dist/deep", "none/*"),
    )  # fmt: skip
    assert status.artifacts == ("dist/a.whl", "dist/deep/d.txt")
    assert "none/*" in _whole(lines, "system")[-1]
    job = next(iter(bench.executor._runs))
    _shell("rm", "-rf", bench.source / "dist")
    said = await bench.said("cat dist/a.whl dist/deep/d.txt", "echo changed > dist/a.whl", inputs=(job,))
    assert said == ["w", "d"]
    assert await bench.said("cat dist/a.whl", inputs=(job,)) == ["w"], "inputs are copies"


async def test_a_failed_job_leaves_no_artifacts(bench):
    """They would be half of something."""
    status, _ = await bench.run("echo x > f", "exit 1", artifacts=("f",))
    assert status.artifacts == ()


async def test_no_link_takes_an_artifact_from_elsewhere(bench):
    """A job sees less than the executor that copies for it."""
    (bench.folder / "outside").mkdir()
    (bench.folder / "outside" / "key").write_text("secret")
    (bench.source / "link").symlink_to(bench.folder / "outside")
    (bench.source / "file").symlink_to(bench.folder / "outside" / "key")
    (bench.source / "dir").mkdir()
    (bench.source / "dir" / "file").symlink_to(bench.folder / "outside" / "key")
    status, _ = await bench.run("echo mine > dir/real", artifacts=("link", "link/*", "file", "dir", "**/key"))
    assert status.artifacts == ("dir/real",)
    kept = [path for path in (bench.folder / "work" / "artifacts").rglob("*") if path.is_file()]
    assert [path.name for path in kept] == ["real"]


@process_only("it is the pod's, and goes with it: tests/cluster")
async def test_nothing_private_is_left_of_a_job(bench):
    """Its script may hold what only it may know; read-only folders go too."""
    await bench.run("mkdir -p $HOME/go/mod", "touch $HOME/go/mod/x", "chmod -R a-w $HOME/go")
    assert [*(bench.folder / "work" / "jobs").iterdir()] == []


# Many, and again


async def test_an_id_is_started_once(bench):
    """Create or adopt: a second start changes nothing, while it runs and afterwards."""
    spec = bench.spec("echo x", "sleep 0.2")
    await asyncio.gather(*(bench.executor.start(spec) for _ in range(3)))
    await bench.executor.start(spec)
    assert (await bench.executor.wait(spec.id)).succeeded
    await bench.executor.start(spec)
    assert _whole(await bench.lines(spec.id), "stdout") == ["x"]


@pytest.mark.parametrize("call", ["status", "wait", "cancel"])
async def test_an_unknown_job_is_not_found(bench, call):
    """Rather than waited for."""
    with pytest.raises(NotFound):
        await getattr(bench.executor, call)("job-01jv3zq8m4t7y2k9r5w6x0abzz")
    with pytest.raises(NotFound):
        bench.executor.logs("job-01jv3zq8m4t7y2k9r5w6x0abzz")


@pytest.mark.slow
async def test_many_jobs_at_once(bench):
    """Fifty, each with its own lines, and no descriptor left over."""
    await bench.run("true")
    before = _descriptors()
    async with asyncio.timeout(3 * bench.patience):
        said = await asyncio.gather(*(bench.said(f"echo {number}; sleep 0.2; echo {number}") for number in range(50)))
    assert said == [[str(number)] * 2 for number in range(50)]
    assert _descriptors() <= before + 2 or not bench.here
