"""A group's static displays, its critical path, and what is shown before anything runs."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from unit.script.test_views import checked

from brignb import Group, Job
from brignb.errors import JobFailed
from brignb.script import groupviews, plans
from brignb.script.critical import critical_path

START = datetime(2026, 1, 31, 12, tzinfo=UTC)


def ran(handle, begin: float, end: float | None):
    """The same handle with other times: what is reckoned from them is tested, not how long processes take."""

    class Ran(type(handle)):
        started_at = START + timedelta(seconds=begin)
        finished_at = None if end is None else START + timedelta(seconds=end)
        duration = None if end is None else end - begin

    handle.__class__ = Ran


def names(group) -> list[str]:
    return [job.name for job in critical_path(group)]


def job(name: str) -> Job:
    return Job(name, tasks="true", use_source=False)


@pytest.mark.parametrize(
    ("limit", "times", "path"),
    [
        (None, {"a": (0, 1), "b": (1, 2), "c": (1, 5), "d": (1, 3), "e": (5, 6)}, ["a", "c", "e"]),
        (2, {"a": (0, 1), "b": (1, 2), "c": (1, 4), "d": (2, 5), "e": (5, 6)}, ["a", "b", "d", "e"]),
        (None, {"a": (0, 1), "b": (1, 2), "c": (1, None), "d": (1.5, None), "e": (5, None)}, ["a", "c", "e"]),
    ],
)
def test_critical_path(session, limit, times, path) -> None:
    """What would have had to be faster: the longest of those at once, and whom it waited for where only some may run."""
    group = Group.sequence(job("a"), Group.concurrent(job("b"), job("c"), job("d"), limit=limit), job("e"))
    handle = group.run()
    for each in handle.wait():
        ran(each, *times[each.name])
    assert names(handle) == path
    assert all(name in groupviews.render_text(handle) for name in path)


def test_static_group(session) -> None:
    """A failed group: open, with what never ran, and why, in words."""
    bad = Job("bad", tasks="echo why; exit 3", use_source=False)
    group = Group.sequence(job("good"), bad, job("never"))
    handle = group.run()
    with pytest.raises(Exception, match="exit code 3"):
        handle.wait()
    text, html = groupviews.render_text(handle), groupviews.render_html(handle)
    for fact in ("failed", "good", "exit code 3", "never", "skipped", "█"):
        assert fact in text
        assert fact in html
    assert html.startswith("<details open>")
    assert "why" in html
    html = html.replace(' colspan="4"', "")
    assert checked(html) <= {"details", "summary", "b", "span", "code", "pre", "table", "tr", "td", "div"}


def test_plans_hold_no_values(session) -> None:
    """Before a run: what would run. Of variables the names, since a value may be a secret."""
    planned = Job("x", "alpine", tasks=["<b>"], env={"TOKEN": session.secrets["TOKEN"]}, retries=2)
    for shown in (plans.render_text(planned), plans.render_html(planned)):
        assert "TOKEN" in shown
        assert "retries" in shown
        assert "s3cr3t" not in shown
        assert "alpine" in shown
    assert "<b>x</b>" in plans.render_html(planned)
    assert "&lt;b&gt;" in plans.render_html(planned)


def test_plan_of_a_group() -> None:
    """The tree, also of what is only known when its turn comes."""

    def later() -> None: ...

    text = plans.render_text(Group.sequence(job("a"), Group.concurrent(job("b"), later)))
    assert text.splitlines() == [
        "group, not run yet: one after the other",
        "  a",
        "  at once",
        "    b",
        "    later()",
    ]


def test_of_a_large_group_some_logs_are_shown(monkeypatch) -> None:
    """A display of several megabytes is dropped by Jupyter's server, and the notebook would say for ever that it runs."""
    monkeypatch.setattr(groupviews, "LOGS_MAX", 2)
    ends = {"a": "true", "b": "true", "c": "false"}
    jobs = [Job(name, tasks=f"echo {name} said so; {end}", use_source=False) for name, end in ends.items()]
    group = Group.sequence(*jobs).run()
    with pytest.raises(JobFailed):
        group.wait()
    shown = group._repr_mimebundle_()["text/html"]
    assert "c said so" in shown
    assert ("a said so" in shown) + ("b said so" in shown) == 1
    assert "1 more jobs, their logs not shown here" in shown
