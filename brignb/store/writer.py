"""The one writer: a thread that commits operations in groups.

    event loop ──(all that was asked for in one turn of the loop)──▶ queue ──▶ writer thread: one transaction ──▶ COMMIT
         ▲                                                                                                       │
         └────────────────────────────(one call for the whole group: every answer)───────────────────────────────┘

A group is what came while the previous one was being committed, so that a busy or slow disk makes groups larger, not slower.
Neighbours of a group that have the same batch function are done by one call of it. What must never happen: an answer before its
commit; an operation that spoils another one's.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from queue import Empty, SimpleQueue
from typing import Any, Final, TypeVar

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError

from brignb.errors import Unavailable
from brignb.store.failures import OWN, explained

T = TypeVar("T")
Item = TypeVar("Item")
Batch = Callable[[Connection, Sequence[Item]], Sequence[T | Exception]]
"""Does several operations of one kind and answers each in its place: with its result, or with why it cannot be."""

GROUP: Final = 256
"""Operations in a transaction, about."""


@dataclass(slots=True)
class _Call:
    batch: Batch[Any, Any]
    item: Any
    answer: asyncio.Future[Any]


class Writer:
    """Lives from `start` to `close`; its other methods are called on the event loop that started it.

    Args:
        engine: Of writing connections.
        where: The database's name for errors.
    """

    def __init__(self, engine: Engine, *, where: str) -> None:
        self._engine = engine
        self._where = where
        self._queue: SimpleQueue[list[_Call] | None] = SimpleQueue()
        self._turn: list[_Call] = []
        self._thread = threading.Thread(target=self._run, name="store-writer", daemon=True)
        self._open = False

    def start(self) -> None:
        """Begin to take operations."""
        self._loop = asyncio.get_running_loop()
        self._open = True
        self._thread.start()

    async def close(self) -> None:
        """Finish what was begun; what comes later is refused."""
        if not self._open:
            return
        self._open = False
        self._hand_over()
        self._queue.put(None)
        await asyncio.to_thread(self._thread.join)

    def run(self, work: Callable[[Connection], T]) -> asyncio.Future[T]:
        """One operation of its own; `work` may be called again when its neighbours' fail, so it keeps no state."""
        return self.join(_each, work)

    def join(self, batch: Batch[Item, T], item: Item) -> asyncio.Future[T]:
        """One operation that is done together with its neighbours of the same batch function.

        Raises:
            Unavailable: The writer is closed; or, from the future, the group could not be committed.
        """
        if not self._open:
            raise Unavailable("the store is closed", where=self._where)
        answer: asyncio.Future[T] = self._loop.create_future()
        if not self._turn:
            self._loop.call_soon(self._hand_over)
        self._turn.append(_Call(batch, item, answer))
        return answer

    def _hand_over(self) -> None:
        turn, self._turn = self._turn, []
        for start in range(0, len(turn), GROUP):
            self._queue.put(turn[start : start + GROUP])

    def _run(self) -> None:
        """The thread."""
        while (group := self._queue.get()) is not None:
            group = self._grown(group)
            answers = self._commit(group)
            try:
                self._loop.call_soon_threadsafe(_tell, group, answers)
            except RuntimeError:  # the loop is closed: nobody waits any more
                return

    def _grown(self, group: list[_Call]) -> list[_Call]:
        """With what else has come by now."""
        while len(group) < GROUP:
            try:
                more = self._queue.get_nowait()
            except Empty:
                break
            if more is None:
                self._queue.put(None)  # the end; nothing can stand behind it
                break
            group = group + more
        return group

    def _commit(self, group: list[_Call]) -> list[Any]:
        """What became of each; nothing was kept when the answer is an exception."""
        try:
            with self._engine.begin() as connection:
                return [answer for batch, items in _runs(group) for answer in _attempt(connection, batch, items)]
        except Exception as error:  # noqa: BLE001 - whatever it is, those who wait must hear of it
            return [explained(error, self._where) for _ in group]


def _each(connection: Connection, works: Sequence[Callable[[Connection], T]]) -> Sequence[T | Exception]:
    """The batch function of what has none."""
    return [work(connection) for work in works]


def _runs(group: Sequence[_Call]) -> Iterator[tuple[Batch[Any, Any], list[Any]]]:
    """Neighbours of one batch function, in order."""
    for batch, calls in groupby(group, key=lambda call: call.batch):
        yield batch, [call.item for call in calls]


def _attempt(connection: Connection, batch: Batch[Any, Any], items: list[Any]) -> Sequence[Any]:
    """All at once; when that fails, one by one, so that only the guilty ones fail."""
    savepoint = connection.begin_nested()
    try:
        answers = batch(connection, items)
    except Exception as error:
        if isinstance(error, DBAPIError) and not isinstance(error, OWN):
            raise  # the database itself: it concerns the whole group, and may have taken the savepoint with it
        savepoint.rollback()
        if len(items) == 1:
            return [explained(error, "store")]
    else:
        savepoint.commit()
        return answers
    return [answer for item in items for answer in _attempt(connection, batch, [item])]


def _tell(group: Sequence[_Call], answers: Sequence[Any]) -> None:
    """On the event loop: everybody's answer."""
    for call, answer in zip(group, answers, strict=True):
        if call.answer.done():  # its caller was canceled meanwhile
            continue
        if isinstance(answer, Exception):
            call.answer.set_exception(answer)
        else:
            call.answer.set_result(answer)
