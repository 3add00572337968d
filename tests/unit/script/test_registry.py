"""`events`: registering, matching, firing, emitting."""

from __future__ import annotations

import asyncio
from types import MappingProxyType

import pytest

from brignb import Event, Job, JobFailed, SecretMissing, events, project
from brignb.errors import BadInput, BrignbError, PayloadError
from brignb.model.events import Image
from brignb.script import causes
from brignb.script.project import BoundProject
from brignb.script.registry import Events


def event(kind: str, **more) -> Event:
    return Event(id="e", type=kind, source="cli", project="a/b", build_id="b", **more)


@pytest.fixture
def registry() -> Events:
    return Events()


def test_matching_is_in_order_and_once(registry) -> None:
    """The contract: each handler once, in the order in which they were registered."""

    @registry.on("*")
    def everything() -> None: ...

    @registry.on("pull_request", "pull_request:opened", "*")
    def several() -> None: ...

    @registry.on("pull_request:opened")
    def exact() -> None: ...

    @registry.on("push")
    def other() -> None: ...

    found = [each.name for each in registry.matching(event("pull_request:opened"))]
    assert found == ["everything", "several", "exact"]
    assert [each.name for each in registry.matching(event("push"))] == ["everything", "several", "other"]
    assert len(registry) == 4
    assert registry.has("push")
    assert not registry.has("tag")


def test_star_does_not_answer_events_about_a_build(registry) -> None:
    """It answered the build's event already; `after` would call it again."""
    registry.on("*", lambda: None)
    registry.on("after", "error", lambda: None)
    push = event("push")
    assert len(registry.matching(causes.after(push))) == 1
    assert len(registry.matching(causes.error(push, ValueError("x")))) == 1
    assert len(registry.matching(event("after"))) == 2  # somebody's own event of that name


def test_function_stays_itself(registry) -> None:
    """A decorated handler can be called in a test, or by another handler."""

    @registry.on("push")
    def push(event) -> str:
        return f"got {event}"

    assert push("it") == "got it"
    assert registry.on("push", push) is push


def test_registering_again_replaces(registry) -> None:
    """A cell that is executed twice must not answer twice; it keeps its place."""
    cell = 'def push(event):\n    return NUMBER\nregistry.on("push")(push)\nregistry.on("push", lambda: None)\n'
    for number in (1, 2):
        exec(compile(cell, "<cell>", "exec"), {"registry": registry, "NUMBER": number, "__name__": "__main__"})
    handlers = registry.matching(event("push"))
    assert [each.name for each in handlers] == ["push", "<lambda>", "<lambda>"]
    assert handlers[0](event("push"), None) == 2


def test_functions_of_a_factory_are_not_the_same(registry) -> None:
    """Three handlers of one factory are three; losing two in silence would be worse than a repeat."""

    def make(number: int):
        @registry.on("push")
        def handler() -> int:
            return number

    for number in range(3):
        make(number)
    assert [each(event("push"), None) for each in registry.matching(event("push"))] == [0, 1, 2]


def test_parameters_are_filled_by_name(registry) -> None:
    """Either may be left out, in any order."""
    registry.on("push", lambda: ())
    registry.on("push", lambda event: (event,))
    registry.on("push", lambda project, event, extra=7: (project, event, extra))
    registry.on("push", lambda *args, project, **more: (args, project, more))
    pushed = event("push")
    answers = [each(pushed, "the project") for each in registry.matching(pushed)]
    assert answers == [(), (pushed,), ("the project", pushed, 7), ((), "the project", {})]


def test_unfillable_parameters_are_refused_with_their_place(registry) -> None:
    """v1's `(e, project)` must be told at registration, not when the event comes."""
    with pytest.raises(BadInput, match="parameter 'e' cannot be filled") as caught:

        @registry.on("push")
        def push(e, project) -> None: ...

    assert "test_registry.py:" in caught.value.where
    with pytest.raises(BadInput, match="cannot be filled"):
        registry.on("push", lambda event, /: None)
    assert len(registry) == 0


@pytest.mark.parametrize("wrong", [(), ("",), (" push",), (7,), ([],)])
def test_wrong_types_are_refused(registry, wrong) -> None:
    """An event type that cannot come would never fire."""
    with pytest.raises(BadInput):
        registry.on(*wrong, lambda: None)


def test_not_functions_are_refused(registry) -> None:
    """Each slip with a hint."""
    with pytest.raises(BadInput, match="no function"):
        registry.on("push")(7)
    with pytest.raises(BadInput, match="cannot yield"):
        registry.on("push", _yields)
    with pytest.raises(BadInput, match="which type"):
        registry.on()


def _yields():
    yield


def test_display_names_handlers(registry) -> None:
    """`events` in a cell answers "what have I registered?", escaped."""
    assert "no handlers" in repr(registry)
    registry.on("<b>", _named)
    bundle = registry._repr_mimebundle_()
    assert "_named(event)" in bundle["text/plain"]
    assert "&lt;b&gt;" in bundle["text/html"]
    assert "<b>" not in bundle["text/html"]


def _named(event) -> None: ...


async def test_fire_runs_handlers_as_a_build_would(session) -> None:
    """Order, both kinds of handlers, leftovers awaited, `after` in the end."""
    seen = []

    @events.on("push")
    def plain(event, project) -> None:
        seen.append(("plain", event.data, event.revision.ref, project.name))
        Job("left", tasks="true").run()

    @events.on("*")
    async def later(event) -> None:
        await asyncio.sleep(0)
        seen.append(("async", event.type))

    @events.on("after")
    def done(event) -> None:
        seen.append(("after", event.cause["event"]["type"], event.cause["trigger"]))

    ran = await events.fire("push", {"n": 1}, ref="refs/heads/main")
    assert [each.name for each in ran] == ["plain", "later"]
    assert seen == [
        ("plain", {"n": 1}, "refs/heads/main", "example/demo"),
        ("async", "push"),
        ("after", "push", "success"),
    ]


def test_fire_from_plain_code(session) -> None:
    """A script has no loop."""
    seen = []
    events.on("push", lambda event: seen.append(event.payload))
    events.fire("push", "as it is").wait()
    assert seen == ["as it is"]


async def test_fire_and_wait_under_a_running_loop(session) -> None:
    """`.wait()` in a notebook's cell, with an async handler: on a loop of its own."""

    @events.on("image_push")
    async def push(event):
        return await Job("x", tasks=f"echo {event.image.tag}").run()

    events.fire("image_push", image={"tag": "v1"}).wait()
    events.fire("image_push", image=Image(tag="v1")).wait()


def test_failure_reaches_error_handlers_and_the_caller(session) -> None:
    """v1: `error` fires once with the reason; here the caller gets it too."""
    seen = []

    @events.on("push")
    def push() -> None:
        Job("bad", tasks="exit 1").run()

    @events.on("push")
    def not_reached() -> None:
        seen.append("not reached")

    events.on("error", lambda event: seen.append((event.cause["trigger"], event.cause["reason"].split(" (")[0])))
    events.on("after", lambda: seen.append("after"))
    with pytest.raises(JobFailed):
        events.fire("push").wait()
    assert seen == [("unhandledRejection", "JobFailed: job bad")]


def test_plain_handler_may_wait(session) -> None:
    """`.wait()` in a handler that was called from a running loop."""
    events.on("push", lambda: Job("x", tasks="true").run().wait(20))
    events.fire("push").wait()


def test_fire_checks_its_words(session) -> None:
    """A made-up event obeys the rules of a real one."""
    for wrong in ({"payload": float("nan")}, {"payload": "\ud800"}, {"payload": b"\xff"}, {"payload": object()}):
        with pytest.raises(PayloadError):
            events.fire("push", **wrong)
    for wrong in ({"ref": "-x"}, {"image": {"tagg": "v1"}}):
        with pytest.raises(BadInput):
            events.fire("push", **wrong)
    with pytest.raises(BadInput):
        events.fire("no type")


async def test_emit_is_durable_when_awaited(session, heard) -> None:
    """Awaiting answers what took it; text is as it is, anything else is JSON."""
    assert await events.emit("deployed", {"ü": 1}) == "taken"
    events.emit("again", b"bytes").wait(10)
    assert heard.emitted == [("deployed", '{"ü": 1}'), ("again", "bytes")]
    with pytest.raises(PayloadError):
        events.emit("deployed", {"x": float("inf")})


def test_emit_without_a_server_says_so(session) -> None:
    """In a plain cell there is nobody to take it."""
    from brignb.script.session import _no_emit

    session.emit = _no_emit
    with pytest.raises(BrignbError, match="no server"):
        events.emit("deployed").wait(10)


def test_project_shows_names_only(session) -> None:
    """Whatever prints it, no value of a secret is in it."""
    assert isinstance(project, BoundProject)
    assert (project.name, project.repo.name, project.namespace) == ("example/demo", "example/demo", "default")
    assert project.repo.clone_url == "https://example.com/demo.git"
    assert project.id.startswith("brigade-")
    assert project.secrets["TOKEN"] == "s3cr3t-token-value"
    shown = f"{project!r} {project.repo!r} {project.secrets!r} {project.secrets['TOKEN']!r}"
    assert "TOKEN" in shown
    assert "s3cr3t" not in shown
    with pytest.raises(SecretMissing, match="BRIGNB_SECRET_NOPE"):
        project.secrets["NOPE"]


def test_the_types_that_are_answered():
    """A listener takes these; events about a build are no events of a sender."""
    registry = Events()
    for types in (("push", "tag"), ("after",), ("push", "*"), ("error",)):
        registry.on(*types)(lambda: None)
    assert registry.types == ("push", "tag", "*")


async def test_a_jobs_outputs_can_be_emitted(session, heard):
    """They are a read-only mapping, which JSON does not know."""
    await events.emit("built", {"outputs": MappingProxyType({"tag": "v1"})})
    assert heard.emitted == [("built", '{"outputs": {"tag": "v1"}}')]
