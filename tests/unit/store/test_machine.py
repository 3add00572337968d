"""Any sequence of operations, against a model that is a few dictionaries: the store and it never differ."""

from __future__ import annotations

import asyncio
import tempfile
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from brignb.model.builds import TERMINAL, TRANSITIONS, Build, JobRecord, Outcome, State
from brignb.model.events import DedupeKey, Draft, Revision
from brignb.model.names import new_id
from brignb.model.projects import Project
from brignb.store.sealing import Sealer
from brignb.store.seam import Accept, Accepted, Expired
from brignb.store.sql import SqlStore

NAMES = ("acme/a", "acme/b")
KEYS = ("k0", "k1", "k2", "k3")
TTL = 40


@dataclass
class Model:
    """Builds in order of arrival, and what deliveries are known, until when."""

    builds: dict[str, Build] = field(default_factory=dict)
    known: dict[tuple[str, str], tuple[Accepted, int]] = field(default_factory=dict)

    def accept(self, arrival: Accept) -> Accepted:
        keys = [(arrival.project, key.value) for key in arrival.draft.keys]
        for key in keys:
            if key in self.known and self.known[key][1] > arrival.at:
                return replace(self.known[key][0], duplicate=True)
        accepted = Accepted(arrival.event_id, arrival.build_id, duplicate=False)
        self.known |= dict.fromkeys(keys, (accepted, arrival.at + TTL))
        self.builds[arrival.build_id] = Build(
            id=arrival.build_id,
            project=arrival.project,
            event_id=arrival.event_id,
            event_type="push",
            event_source="github",
            revision=Revision(),
            any_commit=False,
            state=State.PENDING,
            created_at=arrival.at,
        )
        return accepted

    def claim(self, at: int, limit: int) -> tuple[Build, ...]:
        waiting = [build for build in self.builds.values() if build.state is State.PENDING][:limit]
        return tuple(self.put(build, state=State.RUNNING, started_at=at) for build in waiting)

    def put(self, build: Build, **changes) -> Build:
        self.builds[build.id] = replace(build, **changes)
        return self.builds[build.id]

    def current(self, build: Build, attempt: int) -> bool:
        return build.state is State.RUNNING and build.attempt == attempt

    def end_jobs(self, build: Build, state: State, at: int | None) -> tuple[JobRecord, ...]:
        own = state if state in {State.CANCELED, State.TIMED_OUT} else State.LOST
        return tuple(job if job.state.terminal else replace(job, state=own, finished_at=at) for job in build.jobs)

    def expire(self, at: int, keep_ms: int | None, keep_builds: int | None) -> Expired:
        gone = []
        for name in NAMES:
            ended = [b for b in self.builds.values() if b.project == name and b.state.terminal][::-1]
            for rank, build in enumerate(ended):
                too_old = keep_ms is not None and build.finished_at < at - keep_ms
                too_many = keep_builds is not None and rank >= keep_builds
                gone += [build.id] if too_old or too_many else []
        gone = [build_id for build_id in self.builds if build_id in gone]
        for build_id in gone:
            del self.builds[build_id]
        self.known = {key: fact for key, fact in self.known.items() if fact[1] > at}
        return Expired(builds=tuple(gone))


class StoreMachine(RuleBasedStateMachine):
    def __init__(self):
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.loop = asyncio.Runner()
        self.model = Model()
        self.now, self.number = 1_000, 0
        self.start()
        for name in NAMES:
            self.run(self.store.put_project(Project(name=name), at=1))

    def start(self):
        self.store = SqlStore(f"sqlite:///{Path(self.folder.name)}/brignb.db", Sealer(b"k" * 32))
        self.run(self.store.open())

    def run(self, coroutine):
        return self.loop.run(coroutine)

    def teardown(self):
        self.run(self.store.close())
        self.loop.close()
        self.folder.cleanup()

    def tick(self) -> int:
        self.now += 7
        return self.now

    def any_build(self, data) -> Build:
        return self.model.builds[data.draw(st.sampled_from(list(self.model.builds)))]

    def some_attempt(self, data, build: Build) -> int:
        return data.draw(st.sampled_from([build.attempt, build.attempt, build.attempt - 1, build.attempt + 1]))

    def arrival(self, project: str, keys: list[str]) -> Accept:
        self.number += 1
        ids = [new_id(1, kind + (10**6 - self.number).to_bytes(9, "big")) for kind in (b"e", b"b")]
        draft = Draft(gateway="github", source="github", type="push", keys=tuple(DedupeKey("d", k, TTL) for k in keys))
        return Accept(project=project, draft=draft, event_id=ids[0], build_id=ids[1], at=self.tick())

    projects = st.sampled_from(NAMES)
    keys = st.lists(st.sampled_from(KEYS), max_size=2)

    @rule(calls=st.lists(st.lists(st.tuples(projects, keys), min_size=1, max_size=3), min_size=1, max_size=4))
    def accept(self, calls):
        """Several callers at once, each with an envelope."""
        calls = [[self.arrival(*one) for one in call] for call in calls]
        expected = [tuple(self.model.accept(one) for one in call) for call in calls]

        async def together():
            return await asyncio.gather(*(self.store.accept(call) for call in calls))

        assert self.run(together()) == expected

    @rule(limit=st.integers(0, 3))
    def claim(self, limit):
        at = self.tick()
        assert self.run(self.store.claim(at=at, limit=limit)) == self.model.claim(at, limit)

    @precondition(lambda self: self.model.builds)
    @rule(data=st.data())
    def note(self, data):
        build, at = self.any_build(data), self.tick()
        attempt = self.some_attempt(data, build)
        current = self.model.current(build, attempt)
        assert self.run(self.store.note_first_cell(build.id, attempt=attempt, at=at)) is current
        assert self.run(self.store.note_start(build.id, attempt=attempt, commit="c" * 40, tier="fork")) is current
        if current:
            self.model.put(
                build, first_cell_at=build.first_cell_at or at, revision=Revision(commit="c" * 40), tier="fork"
            )

    @precondition(lambda self: self.model.builds)
    @rule(data=st.data(), n=st.integers(1, 2), state=st.sampled_from([State.RUNNING, State.SUCCEEDED]))
    def put_job(self, data, n, state):
        build, at = self.any_build(data), self.tick()
        attempt = self.some_attempt(data, build)
        job = JobRecord(id=f"{build.id}-{attempt}-{n}", build_id=build.id, attempt=attempt, name="j", image=None,
                        state=state, finished_at=at if state.terminal else None)  # fmt: skip
        current = self.model.current(build, attempt)
        assert self.run(self.store.put_job(job)) is current
        if current:
            jobs = {known.id: known for known in build.jobs}
            if job.id not in jobs or not jobs[job.id].state.terminal:
                jobs[job.id] = job
            self.model.put(build, jobs=tuple(jobs.values()))

    @precondition(lambda self: self.model.builds)
    @rule(data=st.data(), state=st.sampled_from(sorted(TERMINAL)))
    def finish(self, data, state):
        build, at = self.any_build(data), self.tick()
        attempt = self.some_attempt(data, build)
        may = state in TRANSITIONS[build.state] and attempt == build.attempt
        assert self.run(self.store.finish(build.id, attempt=attempt, outcome=Outcome(state=state), at=at)) is may
        if may:
            self.model.put(build, state=state, finished_at=at, jobs=self.model.end_jobs(build, state, at))

    @precondition(lambda self: self.model.builds)
    @rule(data=st.data(), lost=st.booleans())
    def requeue(self, data, lost):
        build = self.any_build(data)
        attempt = self.some_attempt(data, build)
        current = self.model.current(build, attempt)
        assert self.run(self.store.requeue(build.id, attempt=attempt, lost=lost)) is current
        if current:
            jobs = self.model.end_jobs(build, State.LOST, None)
            self.model.put(build, state=State.PENDING, attempt=attempt + 1, losses=build.losses + lost, jobs=jobs,
                           started_at=None, first_cell_at=None, revision=Revision(), tier=None)  # fmt: skip

    @precondition(lambda self: self.model.builds)
    @rule(data=st.data())
    def cancel(self, data):
        build, at = self.any_build(data), self.tick()
        if build.state is State.PENDING:
            build = self.model.put(build, state=State.CANCELED, reason="canceled", finished_at=at)
        elif build.state is State.RUNNING:
            build = self.model.put(build, cancel_requested=True)
        assert self.run(self.store.cancel(build.id, at=at)) == build

    @rule(keep_ms=st.sampled_from([None, 0, 30]), keep_builds=st.sampled_from([None, 0, 1, 2]))
    def expire(self, keep_ms, keep_builds):
        rules = {"at": self.tick(), "keep_ms": keep_ms, "keep_builds": keep_builds}
        assert self.run(self.store.expire(**rules)) == self.model.expire(**rules)

    @rule()
    def reopen(self):
        self.run(self.store.close())
        self.start()

    @invariant()
    def the_same_is_known(self):
        assert self.run(self.store.builds(limit=1000)).items == tuple(self.model.builds.values())[::-1]
        counts = self.run(self.store.counts())
        assert counts == {s: sum(b.state is s for b in self.model.builds.values()) for s in State}


TestStoreMachine = StoreMachine.TestCase
TestStoreMachine = pytest.mark.slow(TestStoreMachine)
TestStoreMachine.settings = settings(
    max_examples=25, stateful_step_count=25, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
