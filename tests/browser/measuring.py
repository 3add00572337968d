"""Measuring in the page: scripts that answer milliseconds, and what goes over the websocket."""

from __future__ import annotations

from typing import Any

FRAMES = """(log, ms) => new Promise((done) => {
  const seen = [], known = new Set(), until = performance.now() + ms;
  const look = () => {
    for (const row of log.querySelectorAll(".text")) {
      const found = /^(\\d+\\.\\d+) line (\\d+)/.exec(row.textContent);
      if (found && !known.has(found[2])) { known.add(found[2]); if (known.size > 60) seen.push(Date.now() - 1000 * found[1]); }
    }
    if (performance.now() < until) requestAnimationFrame(look); else done(seen);
  };
  look();
})"""
"""At each frame: the age of lines that are in the page for the first time, by the time that they begin with."""

SCROLLS = """(what) => new Promise((done) => {
  const box = typeof what === "string" ? document.querySelector(what) : what;
  const steps = [], size = box.scrollHeight - box.clientHeight;
  let at = 0;
  const step = () => {
    if (at > 120) return done(steps);
    const begun = performance.now();
    box.scrollTop = size * (1 - Math.abs(1 - at / 60));
    box.dispatchEvent(new Event("scroll"));
    const handled = performance.now() - begun;
    requestAnimationFrame((frame) => {
      void box.offsetHeight;
      steps.push(handled + performance.now() - Math.max(frame, begun + handled));
      at += 1;
      setTimeout(step);
    });
  };
  step();
})"""
"""From one end to the other and back: milliseconds that each step takes of the page's thread, handlers, drawing and layout together."""


class Wire:
    """Counts what comes over the websocket from now on: the page is loaded once more, since a socket is seen as it opens.

    Args:
        book: An opened notebook.
    """

    def __init__(self, book: Any) -> None:
        self.received = 0
        self.messages = 0
        book.page.on("websocket", lambda socket: socket.on("framereceived", self._count))
        book.page.reload()
        book.ready()
        self.received = self.messages = 0

    def _count(self, payload: str | bytes) -> None:
        self.received += len(payload)
        self.messages += 1


def percentile(found: list[float], share: int) -> float:
    """Of milliseconds."""
    return sorted(found)[min(len(found) - 1, len(found) * share // 100)]
