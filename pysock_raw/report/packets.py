"""Which calls of a recorded run a packet crossed between: connect -> accept, send -> recv, close -> recv of 0.

Who talks to whom follows from the addresses, the ports and the AF_UNIX names in the records, and from the order of
time: what gives a packet counts from its begin, what takes one from its end. Where the records leave it open which of
several clients was accepted, the first that connected was. What cannot be known is left out: no packet is made up.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from pysock_raw.trace import Record
from pysock_raw.trace_arguments import PARAMETERS

ANY = ("0.0.0.0", "::")
LOOPBACK = ("127.0.0.1", "::1")
UNDER_WAY = ("EINPROGRESS", "EINTR")  # the connection is made all the same (connect(2))


class Crossing(NamedTuple):
    """A packet, by the indexes of the two records."""

    sender: int
    receiver: int
    carries: str


@dataclass(eq=False)
class _Socket:
    """An open socket, as far as the calls tell."""

    kind: str
    name: Any = None
    peer: _Socket | None = None
    target: Any = None
    """The name to which a connected datagram socket sends."""
    clients: deque[tuple[int, _Socket]] = field(default_factory=deque)
    """Of a listener: who connected and was not accepted, as the connect and the server's end."""
    inbox: deque[_Parcel] = field(default_factory=deque)
    end: int | None = None
    """The call after which the peer reads 0."""
    shut: bool = False


@dataclass
class _Parcel:
    sent: int
    length: int
    sender: _Socket


def crossings(records: Sequence[Record]) -> list[Crossing]:
    """The packets of a run, in the order in which they were received."""
    run = _Run()
    for index in sorted(range(len(records)), key=lambda index: _moment(records[index])):
        record = records[index]
        step = STEPS.get(record["call"])
        if step and (record["result"] not in (None, -1) or record["errno"] in UNDER_WAY):
            step(run, index, _Call(record))
    return run.found


def _moment(record: Record) -> int:
    began, ended = record["time"]
    return int(began if record["call"] in GIVING or ended is None else ended)


class _Call:
    """The arguments of a record by name."""

    def __init__(self, record: Record) -> None:
        self.args = dict(zip(PARAMETERS[record["call"]], record["args"], strict=False))
        self.pid, self.result = record["pid"], record["result"]

    @property
    def name(self) -> Any:
        """The address that the call gave or got; None if there is none or it is the unnamed one."""
        message = self.args.get("msg")
        return _name(message.get("msg_name") if isinstance(message, dict) else self.args.get("addr"))


def _name(address: Any) -> Any:
    if not isinstance(address, dict):
        return None
    if "port" in address:
        return address["addr"].removeprefix("::ffff:"), address["port"]
    return address.get("path") or None


class _Run:
    def __init__(self) -> None:
        self.found: list[Crossing] = []
        self.processes: dict[int, dict[int, _Socket]] = {}
        self.bound: dict[Any, _Socket] = {}

    def table(self, pid: int) -> dict[int, _Socket]:
        """The sockets of a process by descriptor. A forked one starts with what the first had, and also with what
        that one has closed meanwhile: the child's first call may be later."""
        if pid not in self.processes:
            self.processes[pid] = dict(next(iter(self.processes.values()), {}))
        return self.processes[pid]

    def socket(self, call: _Call) -> _Socket:
        return self.table(call.pid).setdefault(call.args["fd"], _Socket("unknown"))

    def named(self, socket: _Socket, name: Any) -> None:
        if name is not None:
            socket.name = name
            self.bound[socket.kind, name] = socket

    def at(self, kind: str, name: Any) -> _Socket | None:
        """The socket that a packet to this name reaches."""
        names = [name]
        if isinstance(name, tuple):
            names += [(host, name[1]) for host in (LOOPBACK + ANY if name[0] in ANY else ANY)]
        return next((self.bound[kind, name] for name in names if (kind, name) in self.bound), None)

    def opened(self, index: int, call: _Call) -> None:
        self.table(call.pid)[call.result] = _Socket(_kind(call))

    def pair(self, index: int, call: _Call) -> None:
        ends = _Socket(_kind(call)), _Socket(_kind(call))
        ends[0].peer, ends[1].peer = ends[1], ends[0]
        self.table(call.pid).update(zip(call.args["sv"], ends, strict=True))

    def duplicated(self, index: int, call: _Call) -> None:
        if str(call.args["cmd"]).startswith("F_DUPFD"):
            self.table(call.pid)[call.result] = self.socket(call)

    def learned(self, index: int, call: _Call) -> None:
        self.named(self.socket(call), call.name)

    def connected(self, index: int, call: _Call) -> None:
        client = self.socket(call)
        client.target = call.name
        listener = self.at(client.kind, call.name)
        if client.kind == "SOCK_DGRAM" or listener is None:
            return
        client.peer = _Socket(client.kind, listener.name, client)
        listener.clients.append((index, client.peer))

    def accepted(self, index: int, call: _Call) -> None:
        listener = self.socket(call)
        for connect, end in listener.clients:
            if call.name is None or end.peer is None or end.peer.name in (None, call.name):
                listener.clients.remove((connect, end))
                self.table(call.pid)[call.result] = end
                self.found.append(Crossing(connect, index, "connection"))
                return
        self.table(call.pid)[call.result] = _Socket(listener.kind)  # of a client that was not recorded

    def sent(self, index: int, call: _Call) -> None:
        socket = self.socket(call)
        to = socket.peer
        if to is None and socket.kind == "SOCK_DGRAM":
            to = self.at(socket.kind, call.name or socket.target)
        if to:
            to.inbox.append(_Parcel(index, call.result, socket))

    def received(self, index: int, call: _Call) -> None:
        socket = self.socket(call)
        if "MSG_PEEK" in str(call.args.get("flags")):
            return
        if socket.kind == "SOCK_STREAM":
            self._bytes(index, call.result, socket)
        else:
            self._message(index, call, socket)

    def _bytes(self, index: int, left: int, socket: _Socket) -> None:
        if left == 0 and socket.peer and socket.peer.end is not None:
            self.found.append(Crossing(socket.peer.end, index, "end of file"))
            socket.peer.end = None  # whoever reads on gets 0 without another packet
        while left > 0 and socket.inbox:
            parcel = socket.inbox[0]
            taken = min(left, parcel.length)
            self.found.append(Crossing(parcel.sent, index, _amount(taken)))
            left -= taken
            parcel.length -= taken
            if not parcel.length:
                socket.inbox.popleft()

    def _message(self, index: int, call: _Call, socket: _Socket) -> None:
        """One whole message. Its source, if the call got it, tells the sender's name."""
        for parcel in socket.inbox:
            if call.name is None or parcel.sender.name in (None, call.name):
                socket.inbox.remove(parcel)
                self.named(parcel.sender, call.name)
                self.found.append(Crossing(parcel.sent, index, _amount(call.result)))
                return

    def ended(self, index: int, call: _Call) -> None:
        """The peer of a stream reads 0 after the first shutdown for writing, or the last close of the socket."""
        socket = self.socket(call)
        if not socket.shut and call.args.get("how") != "SHUT_RD":
            socket.end, socket.shut = index, "how" in call.args


def _kind(call: _Call) -> str:
    return str(call.args["type"]).partition("|")[0]


def _amount(number: int) -> str:
    return f"{number} byte{'' if number == 1 else 's'}"


STEPS: dict[str, Callable[[_Run, int, _Call], None]] = {
    "socket": _Run.opened,
    "socketpair": _Run.pair,
    "fcntl": _Run.duplicated,
    "bind": _Run.learned,
    "getsockname": _Run.learned,
    "connect": _Run.connected,
    **dict.fromkeys(("accept", "accept4"), _Run.accepted),
    **dict.fromkeys(("write", "send", "sendto", "sendmsg"), _Run.sent),
    **dict.fromkeys(("read", "recv", "recvfrom", "recvmsg"), _Run.received),
    **dict.fromkeys(("shutdown", "close"), _Run.ended),
}
GIVING = ("connect", "write", "send", "sendto", "sendmsg", "shutdown", "close")
