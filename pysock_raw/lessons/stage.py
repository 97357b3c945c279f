"""What a lesson talks to: two lanes, each a process that is an api like any other, and the steps that it tells.

    server, client = stage.server, stage.client
    fd = server("An endpoint without a name.").socket(c.AF_INET, c.SOCK_STREAM, 0)
    address = name_of(server.quiet, fd, TCP)            # made in the same process, and not told
    server.begins("It waits.").accept(fd, None, None)   # the call blocks; the other lane goes on
    client("The first client.").connect(other, *address)
    conn = server.ends("Now it has one.")

A step is told with the call as it was recorded and with what the kernel says then: of the call's own socket always, of
all others where something changed.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any, cast

from pysock_raw.backends.contract import CALLS, Backend
from pysock_raw.lessons.actor import Actor, Ended
from pysock_raw.lessons.kernel import Watched, Word, at_rest, process, sockets_of
from pysock_raw.trace import Record
from pysock_raw.trace_text import line

LANES = ("server", "client")
MAKES = ("socket", "accept", "accept4")
"""The calls whose result is a new socket."""


@dataclass
class Step:
    lane: str
    says: str
    call: Record
    kernel: list[Word] = field(default_factory=list)
    chapter: str | None = None


class Lane:
    """One process of a lesson. Calling it with a sentence gives an api whose next call is told."""

    def __init__(self, stage: Stage, actor: Actor) -> None:
        self.stage, self.actor, self.pid = stage, actor, actor.pid

    @property
    def quiet(self) -> Backend:
        """The api of this process; its calls are not told."""
        return self._api(lambda record: self.stage.follow(self.actor, record))

    def __call__(self, says: str) -> Backend:
        """A step that has to succeed."""
        return self._api(lambda record: self._succeeded(says, record))

    def tries(self, says: str) -> Backend:
        """A step that may fail: it is what the lesson shows."""
        return self._api(lambda record: self.stage.tell(self.actor, says, record))

    def begins(self, says: str) -> Backend:
        """A step whose call blocks. It goes on, and `ends` tells how it ended."""
        return self._api(lambda record: self.stage.tell(self.actor, says, record), self._blocked)

    def ends(self, says: str) -> int:
        """The end of the call that blocked: its result."""
        record = self.actor.finish()
        self.stage.tell(self.actor, says, record)
        return _result(record)

    def still(self, says: str) -> None:
        """The call that blocks has not ended by what happened meanwhile."""
        self.stage.tell(self.actor, says, self._blocked())

    def does(self, says: str, deed: str, *args: Any) -> Record:
        """A step that is no call of sockets (deeds.py)."""
        self.actor.start(deed, *args)
        record = self.actor.finish()
        self._succeeded(says, record)
        return record

    def _api(self, then: Callable[[Record], object], made: Callable[[], Record] | None = None) -> Backend:
        return cast(Backend, _Api(self.stage.api, self.actor, made or self.actor.finish, then))

    def _succeeded(self, says: str, record: Record) -> None:
        self.stage.tell(self.actor, says, record)
        if _result(record) == -1:
            raise Ended(f"a step that has to succeed did not: {line(record)}")

    def _blocked(self) -> Record:
        if not self.actor.waits() or self.actor.busy is None:
            raise Ended(f"a call that has to wait did not: {line(self.actor.finish())}")
        return self.actor.busy


class _Api:
    """The calls of an api, made in another process; the rest is that of the api itself."""

    def __init__(
        self, api: Backend, actor: Actor, made: Callable[[], Record], then: Callable[[Record], object]
    ) -> None:
        self._api, self._actor, self._made, self._then = api, actor, made, then

    def __getattr__(self, name: str) -> Any:
        if name == "get_errno":
            return lambda: self._actor.ask(self._api.get_errno)
        if name not in CALLS:
            return getattr(self._api, name)

        def call(*args: Any) -> int:
            self._actor.start(name, *args)
            record = self._made()
            self._then(record)
            return _result(record)

        return call


def _result(record: Record) -> int:
    """What a caller in C sees; -1 for a call that raised, or has not ended."""
    return -1 if record["result"] is None else int(record["result"])


class Stage:
    def __init__(self, api: Backend, actors: list[Actor], deadline: float) -> None:
        self.api, self.deadline = api, deadline
        self.steps: list[Step] = []
        self._chapter: str | None = None
        self._watched: list[Watched] = []
        self.server, self.client = (Lane(self, actor) for actor in actors)

    def chapter(self, title: str) -> None:
        """What the steps from here on are about. The sockets of earlier ones are gone."""
        self._chapter = title
        for socket in self._watched:
            if not socket.closed:
                socket.actor.make("close", socket.fd)
        self._watched.clear()

    def path(self, name: str) -> str:
        """A path of AF_UNIX that no other process has: the kernel's table knows no directories."""
        return f"{name}.{os.getpid()}"

    def tell(self, actor: Actor, says: str, record: Record) -> None:
        """A step that was made, and what the kernel says then."""
        own = self.follow(actor, record)
        entries = at_rest(self._watched, self.deadline)
        words = [socket.tell(entries) for socket in own]
        # What a process that is inside a call has not taken yet, it may have taken a moment later.
        others = [socket for socket in self._watched if socket not in own and not socket.actor.busy]
        words += [word for socket in others if (word := socket.news(entries))]
        if actor.busy:
            words.append(process(actor))
        if record["call"] == "posix_spawnp":
            (program,) = record["args"][0]
            words.append({"lane": actor.name, "program": program, "sockets": sockets_of(program)})
        self._watched = [socket for socket in self._watched if not socket.gone]
        self.steps.append(Step(actor.name, says, record, words, self._chapter))

    def follow(self, actor: Actor, record: Record) -> list[Watched]:
        """The sockets that a call is about: the one that it makes, or that of its descriptor."""
        if record["call"] in MAKES and _result(record) >= 0:
            self._watched.append(Watched(actor, record["result"]))
            return self._watched[-1:]
        first = record["args"][0]
        key = (actor, first[0]["fd"] if record["call"] == "poll" else first, False)
        own = [socket for socket in self._watched if (socket.actor, socket.fd, socket.closed) == key]
        if record["call"] == "close" and record["result"] == 0:
            for socket in own:
                socket.closed = True
        return own


@contextmanager
def set_up(api: Backend, deadline: float) -> Iterator[Stage]:
    """A stage whose processes and files are gone when it is left."""
    with tempfile.TemporaryDirectory(prefix="pysock_raw.") as directory, ExitStack() as started:
        actors = []
        for name in LANES:
            actors.append(Actor(name, api, directory, deadline))
            started.callback(actors[-1].end)
        yield Stage(api, actors, deadline)
