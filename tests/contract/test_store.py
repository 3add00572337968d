"""What every Store does, whatever is behind it. A new one joins by a line in `STORES`."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable
from dataclasses import replace

import pytest

from brignb.errors import BadInput, Conflict, NotFound, Unavailable
from brignb.model.builds import TERMINAL, TRANSITIONS, Build, JobRecord, Outcome, State
from brignb.model.events import DedupeKey, Draft, Image, Revision
from brignb.model.names import new_id
from brignb.model.projects import Policy, Project
from brignb.store.sealing import Sealer
from brignb.store.seam import Accept, Accepted, Lease, Store, Wanted
from brignb.store.sql import SqlStore

P, Q = "acme/site", "acme/tools"
COMMIT = "c" * 40


def sqlite(request: pytest.FixtureRequest) -> str:
    return f"sqlite:///{request.getfixturevalue('tmp_path')}/brignb.db"


def postgresql(request: pytest.FixtureRequest) -> str:
    return request.getfixturevalue("postgresql")()


STORES: dict[str, Callable[[pytest.FixtureRequest], str]] = {"sqlite": sqlite, "postgresql": postgresql}


@pytest.fixture(params=[pytest.param(name, marks=pytest.mark.slow if name != "sqlite" else ()) for name in STORES])
def factory(request):
    """Makes a store; every one it makes stands on the same data."""
    url = STORES[request.param](request)
    return lambda: SqlStore(url, Sealer(b"k" * 32))


@pytest.fixture
async def store(factory):
    store = factory()
    await store.open()
    await asyncio.gather(*(store.put_project(Project(name=name), at=1) for name in (P, Q)))
    yield store
    await store.close()


def key(value: str, kind: str = "delivery", ttl_ms: int = 1_000) -> DedupeKey:
    return DedupeKey(kind, value, ttl_ms)


def arrival(n: int, *keys: DedupeKey, at: int = 1_000, project: str = P, gateway: str = "github", **draft) -> Accept:
    """The n-th arrival. All are of the same millisecond, and their ids fall while n grows: only arrival can order them."""
    return Accept(
        project=project,
        draft=Draft(**{"gateway": gateway, "source": gateway, "type": "push", "keys": keys, **draft}),
        event_id=new_id(1_000, b"\xee" + (10**6 - n).to_bytes(9, "big")),
        build_id=new_id(1_000, b"\xbb" + (10**6 - n).to_bytes(9, "big")),
        at=at,
    )


async def queued(store: Store, *numbers: int, **rest) -> list[str]:
    """Accept these arrivals; the ids of their builds."""
    accepted = await store.accept([arrival(n, **rest) for n in numbers])
    return [one.build_id for one in accepted]


async def running(store: Store, n: int = 1, **rest) -> Build:
    """Accept an arrival and claim its build."""
    await queued(store, n, **rest)
    (build,) = await store.claim(at=2_000, limit=1)
    return build


async def brought_to(store: Store, state: State, n: int = 1) -> Build:
    """A build in that state, by the store's own means."""
    if state is State.PENDING:
        (build_id,) = await queued(store, n)
    else:
        build_id = (await running(store, n)).id
    if state in TERMINAL:
        assert await store.finish(build_id, attempt=1, outcome=Outcome(state=state), at=3_000)
    build = await store.build(build_id)
    assert build is not None
    assert build.state is state
    return build


def job(build: Build, n: int = 1, state: State = State.RUNNING, **rest) -> JobRecord:
    return JobRecord(**{"id": f"job-{n}-{build.id.lower()}", "build_id": build.id, "attempt": build.attempt, "name": f"job-{n}",
                        "image": "python:3.12", "state": state, "started_at": 2_100, **rest})  # fmt: skip


# projects


FULL = Project(
    name="acme/full",
    clone_url="https://git.example/acme/full.git",
    namespace="ci",
    default_notebook='{"cells": []}',
    executor="process",
    timeout=60,
    retries=2,
    init_submodules=True,
    policy=Policy(allow_privileged_jobs=False, allow_service_accounts=("builder",)),
    image_pull_secrets=("regcred",),
    v1={"worker": {"registry": "brigadecore"}},
    shared_secret="shared-secret",
    registry_secret="registry-secret",
    generic_gateway_secret="gateway-secret",
    github_token="token",
    ssh_key="-----BEGIN\nkey\n",
    ssh_cert="cert",
    secrets={"SLACK": "hook", "EMPTY": "", "UNI": "ключ"},
)


async def test_a_project_comes_back_whole(store):
    """Every field, the secret ones too; by its name and by Brigade v1's id."""
    assert await store.put_project(FULL, at=5) is True
    assert await store.project(FULL.name) == FULL
    assert await store.project(FULL.id) == FULL


async def test_unknown_projects_are_none(store):
    assert await store.project("acme/nothing") is None
    assert await store.project("brigade-" + "0" * 54) is None


async def test_projects_come_by_name(store):
    await store.put_project(Project(name="aaa/first"), at=9)
    assert [project.name for project in await store.projects()] == ["aaa/first", P, Q]


async def test_a_project_is_not_overwritten_by_accident(store):
    """Without `replace` the old one stays as it was."""
    await store.put_project(FULL, at=5)
    with pytest.raises(Conflict) as refused:
        await store.put_project(replace(FULL, timeout=1), at=6)
    assert "--replace" in refused.value.hint
    assert await store.project(FULL.name) == FULL


async def test_replacing_a_project_keeps_its_history(store):
    await queued(store, 1)
    changed = Project(name=P, secrets={"NEW": "value"})
    assert await store.put_project(changed, at=6, replace=True) is False
    assert await store.project(P) == changed
    assert len((await store.builds(project=P)).items) == 1


async def test_a_replaced_secret_is_seen_at_once(store):
    """Many ask while it changes; who asks after the change was answered sees the change."""
    for n in range(20):
        wanted = Project(name=P, shared_secret=f"secret-{n}")
        answers = await asyncio.gather(
            *(store.project(P) for _ in range(5)),
            store.put_project(wanted, at=n, replace=True),
            *(store.project(P) for _ in range(5)),
        )
        assert await store.project(P) == wanted
        assert all(answer is not None for answer in answers)


async def test_deleting_a_project_takes_all_that_is_its(store):
    """Events, builds, jobs and deliveries; other projects' stay."""
    known = key("d-1")
    build = await running(store, 1)
    await store.put_job(job(build))
    await store.finish(build.id, attempt=1, outcome=Outcome(state=State.SUCCEEDED), at=3_000)
    ((waiting, _),) = [await store.accept([arrival(2, known), arrival(3, project=Q)])]
    assert set(await store.delete_project(P)) == {build.id, waiting.build_id}
    assert await store.project(P) is None
    assert await store.build(build.id) is None
    assert await store.event(build.event_id) is None
    assert [b.project for b in (await store.builds()).items] == [Q]
    await store.put_project(Project(name=P), at=9)
    (again,) = await store.accept([arrival(2, known)])
    assert again.duplicate is False


async def test_deleting_nothing_says_so(store):
    assert await store.delete_project("acme/nothing") is None


async def test_a_project_is_kept_in_one_place(store):
    """A Secret does not take over what the API registered, nor the API what a Secret holds; neither deletes the other's."""
    kept = Project(name="acme/kept", kept_in="ci")
    assert await store.put_project(kept, at=5, replace=True) is True
    assert await store.put_project(replace(kept, timeout=9), at=5, replace=True) is False
    for name, elsewhere in (("acme/kept", None), ("acme/kept", "other"), (P, "ci")):
        with pytest.raises(Conflict, match=r"kept in the Secret ci/brigade-|registered by the API"):
            await store.put_project(Project(name=name, kept_in=elsewhere), at=6, replace=True)
        with pytest.raises(Conflict, match=r"kept in the Secret ci/brigade-|registered by the API"):
            await store.delete_project(name, kept_in=elsewhere)
    assert await store.project("acme/kept") == replace(kept, timeout=9)
    assert await store.delete_project("acme/kept", kept_in="ci") == ()


async def test_a_project_that_leaves_takes_no_more_events(store):
    """What runs may end; whoever had been trusted by its Secret is not any more. One that comes back takes them again."""
    (build_id,) = await queued(store, 1)
    await store.put_project(Project(name=P, leaving=True), at=6, replace=True)
    with pytest.raises(NotFound):
        await store.accept([arrival(2, project=Q), arrival(3)])
    assert (await store.builds(project=Q)).items == ()
    assert (await store.build(build_id)).state is State.PENDING
    await store.put_project(Project(name=P), at=7, replace=True)
    assert len(await store.accept([arrival(3)])) == 1


async def test_a_project_with_a_running_build_stays(store):
    """Its worker would write into nothing."""
    build = await running(store)
    with pytest.raises(Conflict) as refused:
        await store.delete_project(P)
    assert build.id in refused.value.message
    assert await store.build(build.id) == build


# the inbox


async def test_an_event_comes_back_whole(store):
    """Payloads are kept to the byte: NUL, astral characters, line ends."""
    payload = '{"a": "\\u0000 ü 🚀"}\r\n\0 end'
    image = Image("ghcr.io", "acme/site", "1.0", "sha256:" + "0" * 64)
    cause = {"event": "E1", "error": "déjà"}
    revision = Revision(commit=COMMIT, ref="refs/heads/ü")
    taken = arrival(
        1, type="image_push", source="registry", payload=payload, image=image, cause=cause, revision=revision
    )
    assert await store.accept([taken]) == (Accepted(taken.event_id, taken.build_id, duplicate=False),)
    event = await store.event(taken.event_id)
    assert event.payload == payload
    assert (event.id, event.type, event.source, event.project) == (taken.event_id, "image_push", "registry", P)
    assert (event.build_id, event.image, event.cause, event.revision) == (taken.build_id, image, cause, revision)


async def test_an_event_makes_one_pending_build(store):
    taken = arrival(1, at=1_234, any_commit=True, revision=Revision(ref="main"))
    await store.accept([taken])
    assert await store.build(taken.build_id) == Build(
        id=taken.build_id,
        project=P,
        event_id=taken.event_id,
        event_type="push",
        event_source="github",
        revision=Revision(ref="main"),
        any_commit=True,
        state=State.PENDING,
        created_at=1_234,
    )


async def test_unknown_ids_are_none(store):
    assert await store.event("0" * 26) is None
    assert await store.build("0" * 26) is None
    assert await store.cancel("0" * 26, at=1) is None


async def test_a_large_payload_is_kept(store):
    """GitHub's limit is 25 MiB."""
    payload = "x" * (25 * 1024 * 1024)
    await store.accept([taken := arrival(1, payload=payload)])
    assert (await store.event(taken.event_id)).payload == payload


async def test_a_payload_that_is_no_text_is_refused(store):
    """A lone surrogate cannot be written in UTF-8."""
    with pytest.raises(BadInput):
        await store.accept([arrival(1), arrival(2, payload="\ud800")])
    assert (await store.builds()).items == ()


@pytest.mark.parametrize("known", [0, 1])
async def test_a_delivery_is_known_by_any_of_its_keys(store, known):
    keys = (key("guid"), key("digest", "body"))
    (first,) = await store.accept([arrival(1, *keys)])
    (second,) = await store.accept([arrival(2, keys[known], key("other"))])
    assert second == replace(first, duplicate=True)
    assert len((await store.builds()).items) == 1


async def test_a_duplicate_adds_no_key(store):
    """Else a stranger's delivery id could be taken by a replayed body."""
    await store.accept([arrival(1, key("guid"))])
    await store.accept([arrival(2, key("guid"), key("new"))])
    (third,) = await store.accept([arrival(3, key("new"))])
    assert third.duplicate is False


@pytest.mark.parametrize(
    "other",
    [
        arrival(2, key("x"), project=Q),
        arrival(2, key("x"), gateway="simple"),
        arrival(2, key("x", "body")),
        arrival(2, key("X")),
        arrival(2),
    ],
    ids=["project", "gateway", "kind", "value", "no keys"],
)
async def test_other_deliveries_are_new(store, other):
    """Only the same gateway, project, kind and value are the same."""
    await store.accept([arrival(1, key("x"))])
    (second,) = await store.accept([other])
    assert second.duplicate is False


async def test_a_key_lasts_its_time_and_no_longer(store):
    await store.accept([arrival(1, key("x", ttl_ms=100), at=1_000)])
    (before,) = await store.accept([arrival(2, key("x", ttl_ms=100), at=1_099)])
    (after,) = await store.accept([arrival(3, key("x", ttl_ms=100), at=1_100)])
    (again,) = await store.accept([arrival(4, key("x", ttl_ms=100), at=1_199)])
    assert [before.duplicate, after.duplicate] == [True, False]
    assert again == replace(after, duplicate=True), "an expired key is replaced, and counts anew"


async def test_an_envelope_may_repeat_itself(store):
    """Two elements with one key are one event, also within one call."""
    first, second, third = await store.accept([arrival(1, key("x")), arrival(2, key("x")), arrival(3, key("y"))])
    assert second == replace(first, duplicate=True)
    assert third.duplicate is False


async def test_one_key_twice_is_one_key(store):
    (first,) = await store.accept([arrival(1, key("x"), key("x"))])
    assert first.duplicate is False


@pytest.mark.slow
async def test_a_large_envelope(store):
    """More keys than a database takes parameters in one statement."""
    numbers = range(17_000)
    answers = await store.accept([arrival(n, key(f"a{n}"), key(f"b{n}")) for n in numbers])
    again = await store.accept([arrival(n, key(f"b{n}")) for n in numbers])
    assert not any(answer.duplicate for answer in answers)
    assert again == tuple(replace(answer, duplicate=True) for answer in answers)


async def test_accepting_nothing(store):
    assert await store.accept([]) == ()


async def test_the_same_delivery_from_everywhere_at_once(store):
    """One is new, whoever it is; all are told the same ids."""
    answers = await asyncio.gather(*(store.accept([arrival(n, key("x"))]) for n in range(100)))
    flat = [one for answer in answers for one in answer]
    assert sum(not one.duplicate for one in flat) == 1
    assert len({(one.event_id, one.build_id) for one in flat}) == 1
    assert len((await store.builds()).items) == 1


async def test_all_or_none(store):
    """One element of a project that is gone: none is stored, none of their keys is known."""
    with pytest.raises(NotFound):
        await store.accept([arrival(1, key("x")), arrival(2, project="acme/gone")])
    assert (await store.builds()).items == ()
    (again,) = await store.accept([arrival(1, key("x"))])
    assert again.duplicate is False


async def test_neighbours_do_not_suffer(store):
    """Accepted at the same moment: one of no project, one with an id given before, and many good ones."""
    await store.accept([arrival(0)])
    arrivals = [arrival(n) for n in range(1, 41)]
    arrivals[10:10] = [arrival(99, project="acme/gone")]
    arrivals[20:20] = [arrival(0)]
    answers = await asyncio.gather(*(store.accept([one]) for one in arrivals), return_exceptions=True)
    assert isinstance(answers.pop(20), Conflict)
    assert isinstance(answers.pop(10), NotFound)
    assert all(isinstance(answer, tuple) for answer in answers)
    assert len((await store.builds()).items) == 41


# lists


async def pages(ask, **rest) -> list[list[str]]:
    """All pages of a list, as ids."""
    found, cursor = [], None
    while True:
        page = await ask(cursor=cursor, **rest)
        found.append([item.id for item in page.items])
        if (cursor := page.next) is None:
            return found


async def test_lists_are_newest_first_in_pages(store):
    """By arrival; the ids of these say the contrary. No page is empty but an empty list's only one."""
    taken = [arrival(n) for n in range(6)]
    await store.accept(taken)
    builds, events = [a.build_id for a in taken][::-1], [a.event_id for a in taken][::-1]
    assert await pages(store.builds, limit=4) == [builds[:4], builds[4:]]
    assert await pages(store.builds, limit=3) == [builds[:3], builds[3:]]
    assert await pages(store.events, limit=6) == [events]
    assert await pages(store.events, project=Q) == [[]]


async def test_lists_are_of_what_was_asked_for(store):
    await store.accept([arrival(1), arrival(2, project=Q), arrival(3), arrival(4, project=Q)])
    first, second = await store.claim(at=2_000, limit=2)
    waiting = [arrival(n).build_id for n in (4, 3)]
    assert await pages(store.builds, state=State.PENDING) == [waiting]
    assert await pages(store.builds, project=Q) == [[waiting[0], second.id]]
    assert await pages(store.builds, project=P, state=State.RUNNING) == [[first.id]]
    assert await pages(store.builds, project=P, state=State.LOST) == [[]]
    assert [event.project for event in (await store.events(project=Q)).items] == [Q, Q]


async def test_pages_stand_still_while_the_list_moves(store):
    """New ones come at the head, and the very item that the cursor was made of goes: nothing is shown twice or skipped."""
    ids = await queued(store, *range(6))
    first = await store.builds(limit=3)
    await queued(store, 10, 11)
    await store.cancel(ids[3], at=2_000)
    assert (await store.expire(at=9_000, keep_ms=1, keep_builds=None)).builds == (ids[3],)
    rest = await store.builds(limit=3, cursor=first.next)
    assert [b.id for b in first.items + rest.items] == ids[::-1]
    assert rest.next is None


async def test_event_lists_leave_payloads_out(store):
    await store.accept([arrival(1, payload="x" * 1000)])
    assert [event.payload for event in (await store.events()).items] == [""]


@pytest.mark.parametrize("cursor", ["", "x", "../..", "é", "AAAA", "A" * 11 + "=", "A" * 500, "0"])
async def test_a_bad_cursor_is_the_callers_fault(store, cursor):
    with pytest.raises(BadInput) as refused:
        await store.builds(cursor=cursor)
    assert refused.value.where == "cursor"


@pytest.mark.parametrize("limit", [0, -1])
async def test_a_page_has_at_least_one_item(store, limit):
    with pytest.raises(BadInput):
        await store.events(limit=limit)


async def test_a_page_is_bounded(store):
    """Whatever is asked for; the rest comes on the next."""
    await queued(store, *range(1_001))
    page = await store.builds(limit=10**9)
    assert len(page.items) == 1_000
    assert page.next is not None


# the queue


async def test_builds_are_claimed_in_order_of_arrival(store):
    ids = await queued(store, *range(5))
    first = await store.claim(at=2_000, limit=2)
    rest = await store.claim(at=2_001, limit=9)
    assert [b.id for b in first + rest] == ids
    assert {(b.state, b.attempt) for b in first + rest} == {(State.RUNNING, 1)}
    assert [b.started_at for b in first + rest] == [2_000] * 2 + [2_001] * 3
    assert await store.claim(at=2_002, limit=9) == ()


async def test_what_is_claimed_is_what_is_stored(store):
    build = await running(store, revision=Revision(ref="main"))
    assert await store.build(build.id) == build


async def test_no_build_is_claimed_twice(store):
    ids = await queued(store, *range(50))
    claims = await asyncio.gather(*(store.claim(at=2_000, limit=7) for _ in range(10)))
    assert sorted(b.id for claim in claims for b in claim) == sorted(ids)


async def test_claiming_none(store):
    await queued(store, 1)
    assert await store.claim(at=2_000, limit=0) == ()


TYPES = ("push", "Push", "push:x", "pushed", "pull_request:opened", "pull_request:opened:again", "p%", "image_push")


@pytest.mark.parametrize(
    "types", [(), ("*",), ("push",), ("pull_request",), ("pull_request:opened", "p%"), ("nothing",)]
)
async def test_claiming_some_and_all_but_some(store, types):
    """What one takes and what the others take is everything, and no handler's type is understood in another way here."""
    ids = {kind: (await queued(store, n, type=kind))[0] for n, kind in enumerate(TYPES)}
    (elsewhere,) = await queued(store, 99, project=Q)
    wanted = Wanted(P, types)
    others = [each.id for each in await store.claim(at=2_000, limit=99, but=[wanted, Wanted("no/body")])]
    chosen = [each.id for each in await store.claim(at=2_000, limit=99, only=wanted)]
    events = {kind: await store.event((await store.build(each)).event_id) for kind, each in ids.items()}
    matching = [ids[kind] for kind in TYPES if not types or any(events[kind].matches(each) for each in types)]
    assert chosen == matching
    assert others == [each for each in [*ids.values(), elsewhere] if each not in matching]


# notebooks that were given


async def test_a_given_notebook_is_its_builds_alone(store):
    """As it was given, and told by its digest; it goes with its build."""
    accepted = await store.accept([replace(arrival(1), notebook=b"\x00{}"), arrival(2)])
    given, other = [await store.build(each.build_id) for each in accepted]
    assert (given.given_notebook, other.given_notebook) == (hashlib.sha256(b"\x00{}").hexdigest(), None)
    assert (await store.notebook(given.id), await store.notebook(other.id)) == (b"\x00{}", None)
    await store.delete_project(P)
    assert await store.notebook(given.id) is None


# the state machine and its fences


@pytest.mark.parametrize("to", list(State))
@pytest.mark.parametrize("state", list(State))
async def test_only_the_tables_transitions_happen(store, state, to):
    """Each way to each state, from each state, against the model's table."""
    build = await brought_to(store, state)
    if to in TERMINAL:
        done = await store.finish(build.id, attempt=1, outcome=Outcome(state=to), at=4_000)
    elif to is State.RUNNING:
        done = bool(await store.claim(at=4_000, limit=1))
    else:
        done = await store.requeue(build.id, attempt=1, lost=False)
    now = await store.build(build.id)
    assert done is (to in TRANSITIONS[state])
    assert now.state is (to if done else state)
    if not done:
        assert now == build


WORDS = {
    "note_start": lambda store, b, attempt: store.note_start(b.id, attempt=attempt, commit=COMMIT, tier="fork"),
    "note_first_cell": lambda store, b, attempt: store.note_first_cell(b.id, attempt=attempt, at=4_000),
    "put_job": lambda store, b, attempt: store.put_job(job(replace(b, attempt=attempt), n=attempt)),
    "requeue": lambda store, b, attempt: store.requeue(b.id, attempt=attempt, lost=True),
    "finish": lambda store, b, attempt: store.finish(
        b.id, attempt=attempt, outcome=Outcome(state=State.FAILED), at=4_000
    ),
}
"""What a worker's host says about an attempt."""


@pytest.mark.parametrize("attempt", [1, 3])
@pytest.mark.parametrize("word", WORDS)
async def test_another_attempt_changes_nothing(store, word, attempt):
    """The fence: a worker thought dead still speaks, or one that there has never been."""
    build = await running(store)
    await store.requeue(build.id, attempt=1, lost=False)
    (build,) = await store.claim(at=3_000, limit=1)
    assert build.attempt == 2
    assert await WORDS[word](store, build, attempt) is False
    assert await store.build(build.id) == build


@pytest.mark.parametrize("word", WORDS)
@pytest.mark.parametrize("state", sorted(TERMINAL))
async def test_an_ended_build_is_left_alone(store, word, state):
    build = await brought_to(store, state)
    assert await WORDS[word](store, build, 1) is False
    assert await store.build(build.id) == build


@pytest.mark.parametrize("word", sorted(set(WORDS) - {"finish"}))
async def test_who_waits_has_no_worker(store, word):
    build = await brought_to(store, State.PENDING)
    assert await WORDS[word](store, build, 1) is False
    assert await store.build(build.id) == build


@pytest.mark.parametrize("word", WORDS)
async def test_words_about_no_build(store, word):
    build = await running(store)
    assert await WORDS[word](store, replace(build, id="0" * 26), 1) is False


async def test_only_one_end_counts(store):
    """Two finish at once: one of them did it, and that one's outcome stands."""
    build = await running(store)
    outcomes = [Outcome(state=state, reason=str(state)) for state in sorted(TERMINAL)]
    done = await asyncio.gather(*(store.finish(build.id, attempt=1, outcome=o, at=4_000) for o in outcomes))
    assert sum(done) == 1
    assert (await store.build(build.id)).reason == outcomes[done.index(True)].reason


async def test_finishing_notes_why(store):
    build = await running(store)
    outcome = Outcome(state=State.FAILED, reason="cell_error", message="cell 3: ValueError")
    assert await store.finish(build.id, attempt=1, outcome=outcome, at=4_000)
    assert await store.build(build.id) == replace(
        build, state=State.FAILED, reason="cell_error", message="cell 3: ValueError", finished_at=4_000
    )


async def test_an_outcome_is_noted_whatever_it_says(store):
    """User code's messages hold anything; a build that cannot end would hang for ever."""
    build = await running(store)
    outcome = Outcome(state=State.FAILED, reason="cell_error", message="bad \ud800 and \0 \udcff")
    assert await store.put_job(job(build, image="\ud800", reason="\0"))
    assert await store.finish(build.id, attempt=1, outcome=outcome, at=4_000)
    ended = await store.build(build.id)
    assert ended.state is State.FAILED
    assert ended.message.startswith("bad ")


async def test_the_resolved_commit_shows_in_build_and_event(store):
    """The ref that was asked for stays beside it."""
    build = await running(store, revision=Revision(ref="main"))
    assert await store.note_start(build.id, attempt=1, commit=COMMIT, tier="fork")
    wanted = Revision(commit=COMMIT, ref="main")
    assert (await store.build(build.id)).revision == wanted
    assert (await store.event(build.event_id)).revision == wanted
    assert (await store.events()).items[0].revision == wanted


async def test_the_first_cell_is_noted_once(store):
    build = await running(store)
    assert await store.note_first_cell(build.id, attempt=1, at=2_500)
    assert await store.note_first_cell(build.id, attempt=1, at=2_600), "a repeated note is no error"
    assert (await store.build(build.id)).first_cell_at == 2_500


async def test_the_tier_is_noted(store):
    """Without a repository there is no commit to note with it."""
    build = await running(store)
    assert await store.note_start(build.id, attempt=1, commit=None, tier="fork")
    assert (await store.build(build.id)).tier == "fork"


@pytest.mark.parametrize("lost", [False, True])
async def test_queued_again(store, lost):
    """A fresh attempt in its old place, before what came later; of the old attempt only its jobs are still told."""
    build = await running(store, 1, revision=Revision(ref="main"))
    await queued(store, 2)
    await store.note_start(build.id, attempt=1, commit=COMMIT, tier="fork")
    await store.note_first_cell(build.id, attempt=1, at=2_500)
    await store.put_job(started := job(build, 1))
    await store.put_job(ended := job(build, 2, State.SUCCEEDED, exit_code=0, finished_at=2_700))
    assert await store.requeue(build.id, attempt=1, lost=lost)
    (again,) = await store.claim(at=5_000, limit=1)
    jobs = (replace(started, state=State.LOST), ended)
    assert again == replace(build, attempt=2, losses=int(lost), started_at=5_000, jobs=jobs)


async def test_a_wish_to_cancel_survives_the_worker(store):
    """The worker dies before it hears of it; who claims the build next is told."""
    build = await running(store)
    await store.cancel(build.id, at=3_000)
    await store.requeue(build.id, attempt=1, lost=False)
    (again,) = await store.claim(at=5_000, limit=1)
    assert again.cancel_requested is True


async def test_canceling_what_waits_ends_it(store):
    build = await brought_to(store, State.PENDING)
    ended = await store.cancel(build.id, at=3_000)
    assert ended == replace(build, state=State.CANCELED, reason="canceled", finished_at=3_000)
    assert await store.claim(at=4_000, limit=1) == ()


async def test_canceling_what_runs_asks(store):
    build = await running(store)
    assert await store.cancel(build.id, at=3_000) == replace(build, cancel_requested=True)


@pytest.mark.parametrize("state", sorted(TERMINAL))
async def test_canceling_what_has_ended_changes_nothing(store, state):
    build = await brought_to(store, state)
    assert await store.cancel(build.id, at=9_000) == build
    assert await store.build(build.id) == build


async def test_counts(store):
    """Of every state, also of none."""
    for n, state in enumerate(State, start=1):
        if state is not State.PENDING:
            await brought_to(store, state, n)
    await queued(store, 50, 51)
    assert await store.counts() == {**dict.fromkeys(State, 1), State.PENDING: 2}


# jobs


async def test_jobs_come_in_the_order_in_which_they_were_told_of(store):
    build = await running(store)
    told = [job(build, n) for n in (3, 1, 2)]
    for one in told:
        assert await store.put_job(one)
    ended = {"state": State.SUCCEEDED, "finished_at": 2_900, "digest": "d" * 64, "outputs": {"tag": "v1"}}
    changed = replace(told[0], **ended)
    assert await store.put_job(changed)
    jobs = (changed, *told[1:])
    assert (await store.build(build.id)).jobs == jobs
    assert (await store.builds()).items[0].jobs == jobs


async def test_lists_give_each_build_its_own_jobs(store):
    first, second = await running(store, 1), await running(store, 2)
    await store.put_job(mine := job(first))
    await store.put_job(theirs := job(second))
    assert [b.jobs for b in (await store.builds()).items] == [(theirs,), (mine,)]


async def test_a_jobs_end_stays(store):
    """A late word from its executor does not revive it."""
    build = await running(store)
    ended = job(build, state=State.CANCELED, finished_at=2_900)
    await store.put_job(ended)
    assert await store.put_job(replace(ended, state=State.RUNNING, finished_at=None)) is True
    assert (await store.build(build.id)).jobs == (ended,)


@pytest.mark.parametrize(
    ("state", "jobs_end"),
    [
        (State.SUCCEEDED, State.LOST),
        (State.FAILED, State.LOST),
        (State.LOST, State.LOST),
        (State.CANCELED, State.CANCELED),
        (State.TIMED_OUT, State.TIMED_OUT),
    ],
)
async def test_unfinished_jobs_end_with_their_build(store, state, jobs_end):
    build = await running(store)
    await store.put_job(open_ := job(build, 1, State.PENDING, started_at=None))
    await store.put_job(done := job(build, 2, State.SUCCEEDED, finished_at=2_900))
    await store.finish(build.id, attempt=1, outcome=Outcome(state=state), at=4_000)
    jobs = (await store.build(build.id)).jobs
    assert jobs == (replace(open_, state=jobs_end, finished_at=4_000), done)


async def test_a_job_belongs_to_one_build(store):
    """Its id is made of the build's; another build with it is a mistake, not a change of owner."""
    first, second = await running(store, 1), await running(store, 2)
    await store.put_job(mine := job(first))
    with pytest.raises(Conflict):
        await store.put_job(replace(mine, build_id=second.id))
    assert (await store.build(first.id)).jobs == (mine,)


# retention


async def ended(store: Store, *numbers: int, project: str = P) -> list[str]:
    """Builds that ended, each n at 1000·n."""
    ids = []
    for n in numbers:
        build = await running(store, n, project=project)
        await store.finish(build.id, attempt=1, outcome=Outcome(state=State.SUCCEEDED), at=1_000 * n)
        ids.append(build.id)
    return ids


async def test_old_builds_go_with_all_that_is_theirs(store):
    old, young = await ended(store, 5, 6)
    gone = await store.build(old)
    expired = await store.expire(at=10_000, keep_ms=4_500, keep_builds=None)
    assert (expired.builds, expired.more) == ((old,), False)
    assert await store.build(old) is None
    assert await store.event(gone.event_id) is None
    assert await store.build(young) is not None


async def test_a_build_is_kept_its_time(store):
    """It goes when it is older than `keep_ms`, not when it is as old."""
    await ended(store, 5)
    assert (await store.expire(at=10_000, keep_ms=5_000, keep_builds=None)).builds == ()
    assert len((await store.expire(at=10_001, keep_ms=5_000, keep_builds=None)).builds) == 1


async def test_the_newest_of_each_project_stay(store):
    mine, theirs = await ended(store, 1, 2, 3), await ended(store, 4, 5, project=Q)
    expired = await store.expire(at=10_000, keep_ms=None, keep_builds=2)
    assert expired.builds == (mine[0],)
    assert {b.id for b in (await store.builds()).items} == {*mine[1:], *theirs}


async def test_keeping_none(store):
    ids = await ended(store, 1, 2)
    assert (await store.expire(at=10_000, keep_ms=None, keep_builds=0)).builds == tuple(ids)


async def test_without_a_policy_nothing_goes(store):
    await ended(store, 1)
    assert (await store.expire(at=10**12, keep_ms=None, keep_builds=None)).builds == ()


async def test_what_has_not_ended_stays_and_does_not_count(store):
    """A long queue must not push out the results that it waits behind."""
    (done,) = await ended(store, 1)
    build = await running(store, 2)
    waiting = await queued(store, *range(3, 9))
    assert (await store.expire(at=10**12, keep_ms=None, keep_builds=1)).builds == ()
    assert (await store.expire(at=10**12, keep_ms=1, keep_builds=1)).builds == (done,)
    assert {b.id for b in (await store.builds()).items} == {build.id, *waiting}


async def test_delivery_ids_outlive_their_builds(store):
    """Retention takes the build; the delivery is still known, and still answered with its first ids."""
    (first,) = await store.accept([arrival(1, key("x", ttl_ms=10_000), at=1_000)])
    (build,) = await store.claim(at=1_000, limit=1)
    await store.finish(build.id, attempt=1, outcome=Outcome(state=State.SUCCEEDED), at=1_000)
    assert (await store.expire(at=10_999, keep_ms=1, keep_builds=None)).builds == (build.id,)
    (again,) = await store.accept([arrival(2, key("x"), at=10_999)])
    assert again == replace(first, duplicate=True)
    await store.expire(at=11_000, keep_ms=1, keep_builds=None)
    (new,) = await store.accept([arrival(3, key("x"), at=10_999)])
    assert new.duplicate is False, "its time was over, so it was forgotten"


@pytest.mark.slow
async def test_retention_takes_portions(store):
    """One call does not hold up the others for long; `more` says to ask again."""
    ids = await queued(store, *range(1_000))
    outcome = Outcome(state=State.FAILED)
    await asyncio.gather(*(store.finish(build_id, attempt=1, outcome=outcome, at=2_000) for build_id in ids))
    gone, more = [], True
    while more:
        expired = await store.expire(at=9_000, keep_ms=1, keep_builds=None)
        assert 0 < len(expired.builds) < 1_000
        gone, more = [*gone, *expired.builds], expired.more
    assert gone == ids
    assert (await store.builds()).items == ()


# life


async def test_everything_is_there_after_a_restart(store, factory):
    await store.put_project(FULL, at=5)
    build = await running(store, 1)
    await store.put_job(job(build))
    (known,) = await store.accept([arrival(2, key("x"))])
    before = await store.builds()
    await store.close()
    again = factory()
    await again.open()
    assert await again.project(FULL.name) == FULL
    assert await again.builds() == before
    assert await again.accept([arrival(3, key("x"))]) == (replace(known, duplicate=True),)
    await again.close()


async def test_what_was_begun_is_finished(store, factory):
    """Closing waits for what was asked for before."""
    calls = [asyncio.ensure_future(store.accept([arrival(n)])) for n in range(600)]
    await asyncio.sleep(0)
    await store.close()
    answers = await asyncio.gather(*calls)
    again = factory()
    await again.open()
    assert (await again.counts())[State.PENDING] == len(answers) == 600
    await again.close()


async def test_a_closed_store_says_so(store):
    await store.close()
    for ask in (store.accept([arrival(1)]), store.build("x"), store.check(), store.claim(at=1, limit=1)):
        with pytest.raises(Unavailable):
            await ask
    await store.close()


async def test_readiness(store):
    assert await store.check()


async def test_readers_and_writers_do_not_wait_for_each_other(store):
    """Lists are read while events stream in; each list is a moment of the whole: every build has its event."""
    taking = asyncio.gather(*(store.accept([arrival(n)]) for n in range(300)))
    while not taking.done():
        page = await store.builds(limit=1_000)
        numbers = [10**6 - int.from_bytes(_randomness(b.id)[1:], "big") for b in page.items]
        assert sorted(numbers) == list(range(len(numbers))), "committed ones only, in order"
        await asyncio.sleep(0)
    await taking


def _randomness(identifier: str) -> bytes:
    from ulid import ULID

    return bytes(ULID.from_str(identifier))[6:]


# leases


POD = Lease("pod/brignb-worker-1", until=20_000)


async def held(store: Store, n: int = 1, lease: Lease = POD, **rest) -> Build:
    """Accept an arrival, and claim its build for a pod."""
    await queued(store, n, **rest)
    (build,) = await store.claim(at=5_000, limit=1, lease=lease)
    return build


async def test_a_claim_names_its_holder(store):
    """Which stands in the store: any server, also one that starts later, knows who runs the build."""
    build = await held(store)
    assert (build.holder, build.lease_until) == (POD.holder, POD.until)
    assert await store.build(build.id) == build


async def test_a_build_of_our_own_has_no_holder(store):
    """And nobody can become it: a word that a local worker's token may say gives it no lease that could run out."""
    build = await running(store)
    assert (build.holder, build.lease_until) == (None, None)
    assert await store.hold(build.id, attempt=1, until=30_000) is None
    assert await store.build(build.id) == build


async def test_only_what_has_waited(store):
    """A pod is made for what a warm worker has not taken for a while, and for nothing that has just come."""
    old, new = [(await queued(store, n, at=at))[0] for n, at in ((1, 1_000), (2, 3_000))]
    assert [build.id for build in await store.claim(at=4_000, limit=9, before=3_000)] == [old]
    assert [build.id for build in await store.claim(at=4_000, limit=9)] == [new]


async def test_a_holder_that_lives_keeps_its_build(store):
    build = await held(store)
    for holder in (POD.holder, None):
        assert await store.hold(build.id, attempt=1, until=30_000, holder=holder) == replace(build, lease_until=30_000)
    assert (await store.build(build.id)).lease_until == 30_000


async def test_nobody_holds_anothers_build(store):
    """By another name, or of another attempt: it is told so, and the lease is as it was."""
    build = await held(store)
    assert await store.hold(build.id, attempt=1, until=30_000, holder="pod/other") is None
    assert await store.hold(build.id, attempt=2, until=30_000, holder=POD.holder) is None
    assert await store.hold(new_id(9, b"\0" * 10), attempt=1, until=30_000) is None
    assert await store.build(build.id) == build


@pytest.mark.parametrize("state", sorted(TERMINAL))
async def test_an_end_takes_the_lease(store, state):
    build = await held(store)
    assert await store.finish(build.id, attempt=1, outcome=Outcome(state=state), at=6_000)
    ended = await store.build(build.id)
    assert (ended.holder, ended.lease_until) == (None, None)
    assert await store.hold(build.id, attempt=1, until=30_000) is None


async def test_the_next_attempt_has_no_holder(store):
    """What the holder of an attempt that is over says is not heard, and the next claim gives the build to whom it likes."""
    build = await held(store)
    assert await store.requeue(build.id, attempt=1, lost=False)
    waiting = await store.build(build.id)
    assert (waiting.attempt, waiting.holder, waiting.lease_until) == (2, None, None)
    assert await store.hold(build.id, attempt=1, until=30_000, holder=POD.holder) is None
    (again,) = await store.claim(at=7_000, limit=1)
    assert (again.holder, again.lease_until) == (None, None)
    assert await store.hold(build.id, attempt=1, until=30_000, holder=POD.holder) is None


async def test_who_is_asked_to_end_gets_no_more_time(store):
    """So that one which does not end is overdue at last, whatever it says."""
    build = await held(store)
    await store.cancel(build.id, at=6_000)
    told = await store.hold(build.id, attempt=1, until=30_000, holder=POD.holder)
    assert told is not None
    assert (told.cancel_requested, told.lease_until) == (True, POD.until)


async def test_a_silent_holder_is_overdue(store):
    """Its own clock alone counts: neighbours, builds of our own, and what has ended are not."""
    silent = await held(store)
    other = await held(store, 2, Lease("pod/b", until=20_000))
    await running(store, 3)
    for at in range(5_000, 25_000, 5_000):
        await store.attend(at=at, until=at + 15_000)
        await store.hold(other.id, attempt=1, until=at + 15_000)
    assert await store.overdue(at=20_000) == ()
    await store.attend(at=20_001, until=35_001)
    assert [build.id for build in await store.overdue(at=20_001)] == [silent.id]
    await store.finish(silent.id, attempt=1, outcome=Outcome(state=State.LOST), at=20_002)
    assert await store.overdue(at=20_002) == ()


async def test_time_without_ears_does_not_count(store):
    """No server could be told: nobody is overdue meanwhile, and afterwards each holder has time to say that it lives."""
    build = await held(store)
    await store.attend(at=5_000, until=20_000)
    assert await store.overdue(at=90_000) == ()
    await store.attend(at=90_000, until=105_000)
    assert await store.overdue(at=90_001) == ()
    assert (await store.build(build.id)).lease_until == 105_000
    for at in (95_000, 100_000, 105_001):
        await store.attend(at=at, until=at + 15_000)
    assert [late.id for late in await store.overdue(at=105_001)] == [build.id]


async def test_one_of_two_ears_is_enough(store):
    """Two servers hear holders. Whose clock is behind takes nothing back, and who comes back while the other was there gives nobody time."""
    build = await held(store)
    for at in (5_000, 11_000, 10_500, 20_500):
        await store.attend(at=at, until=at + 15_000)
    assert [late.id for late in await store.overdue(at=20_500)] == [build.id]
