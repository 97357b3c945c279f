"""What the kernel says of the sockets of a lesson: /proc/net (proc(5)), TCP_INFO, and the state of a process.

A word is a dict that JSON can hold:

    {"lane": "server", "fd": 3, "closed": False, "table": "tcp", "state": "LISTEN", "code": "0A",
     "local": {"family": "AF_INET", "addr": "127.0.0.1", "port": 80}, "peer": None, "queue": 1, "limit": 3}

closed is true once the lane has closed fd, state None once nothing is left of it, table None while it is in none.
"""

from __future__ import annotations

import os
import socket
import struct
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pysock_raw.conformance.box import state_of
from pysock_raw.lessons.actor import Actor, Ended
from pysock_raw.lessons.deeds import ask_socket

Address = dict[str, Any]
Word = dict[str, Any]

#: include/net/tcp_states.h
TCP_STATES = {
    1: "ESTABLISHED",
    2: "SYN_SENT",
    3: "SYN_RECV",
    4: "FIN_WAIT1",
    5: "FIN_WAIT2",
    6: "TIME_WAIT",
    7: "CLOSE",
    8: "CLOSE_WAIT",
    9: "LAST_ACK",
    10: "LISTEN",
    11: "CLOSING",
}
#: Datagrams use two of them; include/uapi/linux/net.h has those of AF_UNIX.
UDP_STATES = {1: "connected", 7: "unconnected"}
LOCAL_STATES = {1: "unconnected", 2: "connecting", 3: "connected", 4: "disconnecting"}
LISTENS = 0x10000  # __SO_ACCEPTCON in the flags of /proc/net/unix

#: States that an answer of the other end, which is on its way on loopback, will change.
PASSING = ("SYN_RECV", "FIN_WAIT1", "CLOSING", "LAST_ACK")


@dataclass(frozen=True)
class Entry:
    """A line of one of the tables."""

    table: str
    local: Address | None
    peer: Address | None
    state: str
    code: str
    inode: int
    unsent: int = 0
    """Bytes that the other end has not acknowledged."""
    unread: int = 0
    """Bytes that wait to be read; for a listener, connections that wait to be accepted."""

    @property
    def port(self) -> int | None:
        """Of its own address. Ports tell the sockets of a lesson apart also where IPv4 has an address of IPv6."""
        return (self.local or {}).get("port")

    @property
    def peer_port(self) -> int | None:
        return (self.peer or {}).get("port")

    @property
    def ends(self) -> set[tuple[int | None, int | None]]:
        """What sockets of a lesson it concerns: its own two ports, from either end, and those of its listener."""
        return {(self.port, self.peer_port), (self.peer_port, self.port), (self.port, None)}

    def arriving(self, entries: list[Entry]) -> bool:
        """Whether a packet is on its way that will change this: one that was not acknowledged, or the reset of an
        end that is no more. (A request to a full queue was dropped, and no answer to it is on its way.)"""
        if self.state in PASSING or self.peer_port is None:
            return self.state in PASSING
        if self.state == "SYN_SENT":
            return not any(entry.state == "LISTEN" and entry.port == self.peer_port for entry in entries)
        alone = not any((entry.port, entry.peer_port) == (self.peer_port, self.port) for entry in entries)
        return self.unsent > 0 or (alone and self.state in ("ESTABLISHED", "CLOSE_WAIT"))


def tables() -> list[Entry]:
    found = [entry for table in ("tcp", "tcp6", "udp", "udp6") for entry in _internet(table)]
    return found + _local()


def _lines(table: str) -> list[str]:
    path = Path("/proc/self/net", table)
    return path.read_text(errors="surrogateescape").splitlines()[1:] if path.exists() else []


def _internet(table: str) -> list[Entry]:
    entries = []
    for text in _lines(table):
        _, local, peer, code, queues, _, _, _, _, inode, *_ = text.split()
        states = TCP_STATES if table.startswith("tcp") else UDP_STATES
        unsent, unread = (int(number, 16) for number in queues.split(":"))
        state = states.get(int(code, 16), code)
        entries.append(Entry(table, _host(local), _host(peer), state, code, int(inode), unsent, unread))
    return entries


def _host(text: str) -> Address | None:
    """127.0.0.1:80 as 0100007F:0050: words of 32 bits in the machine's order. None for one that stands for nobody."""
    host, port = text.split(":")
    raw = b"".join(struct.pack("=I", int(host[at : at + 8], 16)) for at in range(0, len(host), 8))
    family = "AF_INET" if len(raw) == 4 else "AF_INET6"
    number = int(port, 16)
    if number == 0:
        return None
    return {"family": family, "addr": socket.inet_ntop(getattr(socket, family), raw), "port": number}


def _local() -> list[Entry]:
    """The sockets of AF_UNIX. One that waits to be accepted is "connecting", and has its listener's path."""
    entries = []
    for text in _lines("unix"):
        _, _, _, flags, _, code, inode, *path = text.split(maxsplit=7)
        state = "LISTEN" if int(flags, 16) & LISTENS else LOCAL_STATES.get(int(code, 16), code)
        name = path[0].replace("@", "\0", 1) if path and path[0].startswith("@") else "".join(path)
        local = {"family": "AF_UNIX", "path": name} if name else None
        entries.append(Entry("unix", local, None, state, code, int(inode)))
    return entries


class Watched:
    """One socket of a lane, from the call that made it until nothing is left of it in the kernel."""

    def __init__(self, actor: Actor, fd: int) -> None:
        self.actor = actor
        self.fd, self.closed = fd, False
        self.inode = os.stat(f"/proc/{actor.pid}/fd/{fd}").st_ino
        self.told: Word | None = None
        self._entry: Entry | None = None

    def find(self, entries: list[Entry]) -> Entry | None:
        """Its line in the tables: its inode's, or, when no process has it any more, that of its two addresses."""
        last = self._entry
        found = next((entry for entry in entries if entry.inode == self.inode), None) or next(
            (
                entry
                for entry in entries
                if last and last.peer and (entry.inode, entry.local, entry.peer) == (0, last.local, last.peer)
            ),
            None,
        )
        self._entry = found or last
        return found

    def tell(self, entries: list[Entry]) -> Word:
        self.told = self._word(entries)
        return self.told

    def news(self, entries: list[Entry]) -> Word | None:
        """What is not as it was told last. (The limit of a queue is not known while its process is inside a call.)"""
        told = self.told
        word = self.tell(entries)
        return None if told and {**told, "limit": None} == {**word, "limit": None} else word

    @property
    def gone(self) -> bool:
        """Whether nobody has it any more and the kernel has told so."""
        return self.told is not None and self.told["closed"] and self.told["state"] is None

    def _word(self, entries: list[Entry]) -> Word:
        found = self.find(entries)
        self.closed = self.closed or not self.actor.alive
        word: Word = {"lane": self.actor.name, "fd": self.fd, "closed": self.closed, "table": None, "state": None}
        asked = self.actor.ask(ask_socket, self.fd) if not self.closed and not self.actor.busy else {}
        info = asked.get("tcp_info")
        if found is None:
            # The tables hold no TCP socket that neither listens nor is connected.
            state = {"state": TCP_STATES[info[0]], "code": f"{info[0]:02X}"} if info else {}
            return word | state | {"local": asked.get("local")}
        word |= {"table": found.table, "state": found.state, "code": found.code}
        word |= {"local": found.local, "peer": found.peer}
        if found.state == "LISTEN":
            waiting = _waiting(found, entries) if found.table == "unix" else found.unread
            return word | {"queue": waiting} | ({"limit": info[2]} if info else {})
        return word | ({"unread": found.unread} if found.table.startswith("tcp") and found.inode else {})


def _waiting(listener: Entry, entries: list[Entry]) -> int:
    return sum(entry.state == "connecting" and entry.local == listener.local for entry in entries)


def at_rest(watched: list[Watched], deadline: float) -> list[Entry]:
    """The tables as soon as nothing is on its way any more between the sockets of the lesson: loopback may deliver
    a packet after the call that sent it has returned."""
    until = time.monotonic() + deadline
    while True:
        entries = tables()
        ours = {(entry.port, entry.peer_port) for socket in watched if (entry := socket.find(entries))}
        if not any(entry.arriving(entries) for entry in entries if entry.ends & ours):
            return entries
        if time.monotonic() > until:
            raise Ended(f"packets on loopback did not arrive within {deadline:g} s")
        os.sched_yield()


def process(actor: Actor) -> Word:
    """The state of a lane's process, as in /proc/PID/stat."""
    return {"lane": actor.name, "process": state_of(actor.pid).decode()}


def sockets_of(pid: int) -> list[int]:
    """The descriptors of a process that are sockets."""
    files = Path(f"/proc/{pid}/fd")
    return sorted(int(file.name) for file in files.iterdir() if os.readlink(file).startswith("socket:"))
