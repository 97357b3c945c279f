"""Random calls: every call of the contract, with arguments of the types that it gives them, fitting or odd.

What draws is a random.Random: a plain one is fast, Hypothesis' shrinks what it finds, and one that reads bytes
(`FromBytes`) lets a fuzzer that watches coverage choose. Whatever is drawn, a call answers as C may or raises what the
contract allows, no memory beside what it was given changes, and no descriptor is open that no call handed out.
"""

from __future__ import annotations

import array
import ctypes
import errno
import fcntl
import inspect
import os
import random
from collections import deque
from collections.abc import Callable
from typing import Any

from pysock_raw.backends import control
from pysock_raw.backends.contract import FUNCTIONS, Backend, Inexpressible
from pysock_raw.structures import (
    c_int,
    cmsghdr,
    iovec,
    linger,
    mmsghdr,
    msghdr,
    pollfd,
    sockaddr_in,
    sockaddr_in6,
    sockaddr_storage,
    sockaddr_un,
    socklen_t,
    timespec,
    timeval,
)

ALLOWED = (TypeError, OverflowError, ValueError)
PARAMETERS = {
    name: [(parameter.name, str(parameter.annotation)) for parameter in signature.parameters.values()][1:]
    for name in FUNCTIONS
    for signature in [inspect.signature(getattr(Backend, name))]
}
CALLS = [name for name in FUNCTIONS if PARAMETERS[name]]
ASK_THE_KERNEL = frozenset(CALLS[: CALLS.index("htons")])
WAITING = {"accept", "accept4", "connect", "read", "write"} | {
    name for name in CALLS if name.startswith(("send", "recv"))
}
HAND_OUT = {"socket", "accept", "accept4"}
DUPLICATE = {fcntl.F_DUPFD, fcntl.F_DUPFD_CLOEXEC}
SO_LINGER, SO_PEERPIDFD = (1, 13), (1, 77)  # asm-generic/socket.h: close would wait; the value is a descriptor
SCM_PIDFD = 4  # linux/socket.h

INTS = (0, 1, 2, 3, 5, 16, 255, 4096, 65535, 2**31 - 1, -1, -2, -(2**31))
ODD_INTS = (2**31, 2**32, 2**64, -(2**31) - 1, -(2**63), None, 1.0, "1", b"1")
NO_DESCRIPTORS = (-1, -2, 999, 2**31 - 1, -(2**31), *ODD_INTS)
LENGTHS = (0, 1, 2, 4, 8, 12, 16, 24, 28, 64, 110, 128, 129, 256, 2**31 - 1, 2**31, 2**32 - 1, 2**63, -1, -16)
ROOM, MARGIN, CANARY = 160, 64, 0xA5
TYPES = (sockaddr_in, sockaddr_in6, sockaddr_un, sockaddr_storage, c_int, linger, timeval, pollfd, socklen_t)
ADDRESSES = (
    bytes(sockaddr_in(2, 0)),
    bytes(sockaddr_in(2, 0, (0x0100007F,))),
    bytes(sockaddr_in6(10, 0)),
    bytes(sockaddr_un(1, b"path")),
    bytes(sockaddr_un(1, b"\0name")),
    bytes(sockaddr_in(0, 0)),
    b"\1\0",
    b"\2",
)
TEXTS = ("127.0.0.1", "::1", b"::", "1.2.3", "", "256.1.1.1", b"\0", "a" * 70, "\ud800", 5, None)


class Wrong(AssertionError):
    """A call did what it may not do."""


class FromBytes(random.Random):
    """Numbers out of some bytes, and zeros after their end."""

    def __init__(self, data: bytes) -> None:
        super().__init__(0)
        self.data, self.at = data, 0

    def getrandbits(self, bits: int, /) -> int:
        size = (bits + 7) // 8
        taken = self.data[self.at : self.at + size]
        self.at += size
        return int.from_bytes(taken, "little") & ((1 << bits) - 1)

    def random(self) -> float:
        return self.getrandbits(32) / 2**32


class Fuzzer:
    """Makes calls of one backend. `close` when done: it closes what the calls opened, and looks for leaks."""

    def __init__(self, api: Any, draw: random.Random) -> None:
        self.api, self.draw = api, draw
        self.choice: Callable[[Any], Any] = draw.choice
        self.made: dict[str, int] = {"answered": 0, "failed": 0, "raised": 0}
        self.others = open_descriptors()
        self.fds: set[int] = set(os.pipe())
        self.arenas: deque[tuple[bytearray, int]] = deque(maxlen=16)
        """What was lent to the last calls: memory with a margin, and how much of it."""
        self.room = 0
        """The bytes of the last buffer that was drawn, for the length beside it."""
        self.messages = [self._message() for _ in range(4)]
        self.headers: list[Any] = [cmsghdr()]
        by_name = {
            name[1:]: member for name, member in inspect.getmembers(self, inspect.ismethod) if name.startswith("_")
        }
        self.how = {call: [by_name.get(name) or by_name[kind] for name, kind in PARAMETERS[call]] for call in CALLS}

    # --- a call ---

    def call(self) -> None:
        """One call, checked."""
        name, args = self._drawn()
        while not self._harmless(name, args):
            name, args = self._drawn()
        try:
            result = getattr(self.api, name)(*args)
        except ALLOWED:
            self.made["raised"] += 1
        except Inexpressible:
            if self.api.name != "python":
                raise
            self.made["raised"] += 1
        else:
            self._check(name, args, result)
        for arena, size in self.arenas:
            if arena.count(CANARY, 0, MARGIN) + arena.count(CANARY, MARGIN + size) != len(arena) - size:
                raise Wrong(f"{name}{tuple(args)} wrote beside the memory that it was given")

    def _drawn(self) -> tuple[str, list[Any]]:
        name = self.choice(CALLS)
        return name, [how() for how in self.how[name]]

    def _harmless(self, name: str, args: list[Any]) -> bool:
        """Whether nobody waits or is signalled for it; descriptors that calls could wait for do not wait."""
        if name == "setsockopt":
            return tuple(args[1:3]) != SO_LINGER
        if name == "fcntl":
            return args[1] != fcntl.F_SETOWN
        if name == "poll":
            return args[2] in (0, 1, *ODD_INTS)
        if name in WAITING and args[0] in self.fds:
            os.set_blocking(args[0], False)
        return True

    def _check(self, name: str, args: list[Any], result: Any) -> None:
        if name not in ASK_THE_KERNEL or type(result) is not int:
            self._keep(name, result)
        elif result >= 0:
            self.made["answered"] += 1
            self._opened(name, args, result)
        elif result == -1 or name == "fcntl":  # F_GETOWN of a process group is negative
            self.made["failed"] += 1
            if self.api.get_errno() not in errno.errorcode:
                raise Wrong(f"{name}{tuple(args)} failed with errno {self.api.get_errno()}")
        else:
            raise Wrong(f"{name}{tuple(args)} returned {result}")

    def _keep(self, name: str, result: Any) -> None:
        self.made["answered"] += 1
        if isinstance(result, cmsghdr):
            self.headers = [*self.headers[-3:], result]

    def _opened(self, name: str, args: list[Any], result: int) -> None:
        """Note the descriptors that a call opened or closed."""
        if name in HAND_OUT or (name == "fcntl" and args[1] in DUPLICATE):
            self.fds.add(result)
        elif name == "close":
            self.fds.discard(args[0])
        elif name == "socketpair":
            self.fds.update(memoryview(args[3]).cast("B")[:8].cast("i"))
        elif name == "getsockopt" and tuple(args[1:3]) == SO_PEERPIDFD:
            self.fds.update(memoryview(args[3]).cast("B")[:4].cast("i"))
        elif name == "recvmsg":
            self._received(args[1])
        elif name == "recvmmsg":
            for element in args[1][:result] if hasattr(args[1], "_length_") else [args[1]] * result:
                self._received(element.msg_hdr)

    def _received(self, message: Any) -> None:
        if message.msg_control is not None:
            for head, data in control.messages(bytes(message.msg_control[: message.msg_controllen])):
                if head.cmsg_level == 1 and head.cmsg_type in (1, SCM_PIDFD):
                    self.fds.update(memoryview(data[: len(data) // 4 * 4]).cast("i"))

    def check_descriptors(self) -> None:
        """Every open descriptor is one that a call handed out. Leave a few of them open."""
        surplus = open_descriptors() ^ self.others ^ self.fds
        if surplus:
            raise Wrong(f"descriptors {sorted(surplus)} are open and no call handed them out, or the other way round")
        for fd in sorted(self.fds)[32:]:
            os.close(fd)
            self.fds.discard(fd)

    def close(self) -> None:
        self.check_descriptors()
        for fd in self.fds:
            os.close(fd)
        self.fds.clear()

    # --- arguments by name ---

    def _domain(self) -> Any:
        return self._often((1, 1, 2, 2, 10, 16, 17, 38, 40, 0, 999, -1))

    _af = _domain

    def _type(self) -> Any:
        return self._often((1, 1, 2, 2, 3, 5, 0, 1 | 0o4000, 2 | 0o2000000, 99))

    def _protocol(self) -> Any:
        return self._often((0, 0, 0, 6, 17, 1, 255, 999))

    def _level(self) -> Any:
        return self._often((1, 1, 0, 41, 6, 17, 255, 132, 270, 263, 284, 999))

    def _optname(self) -> Any:
        return self._often((self.draw.randrange(0, 130), 2, 3, 9999))

    def _flags(self) -> Any:
        return self._often((0, 0, 0, 2, 0x40, 1 << self.draw.randrange(31), self.draw.getrandbits(31)))

    def _cmd(self) -> Any:
        return self._often((0, 1, 2, 3, 4, 9, 10, 11, 1024, 1030, 1031, 1032, self.draw.randrange(1100)))

    def _arg(self) -> Any:
        return self._often((0, 0, 1, 0o4000, 100, self.draw.getrandbits(12)))

    def _timeout(self) -> Any:
        return self._often((0, 0, 0, 1)) if self.draw.random() < 0.5 else self._TimespecPointer()

    def _sv(self) -> Any:
        return (c_int * 2)() if self.draw.random() < 0.5 else self._Writable()

    def _fds(self) -> Any:
        entries = (pollfd * self.draw.randrange(4))()
        for entry in entries:
            entry.fd, entry.events = self._open(), self.draw.getrandbits(15)
        return entries if self.draw.random() < 0.8 else self._Writable()

    def _nfds(self) -> Any:
        return self.choice((0, 1, 2, 3, 4, 2**61, 2**63)) if self.draw.random() < 0.9 else self.choice(ODD_INTS)

    _vlen = _nfds

    def _msg(self) -> Any:
        return self.choice(self.messages) if self.draw.random() < 0.8 else self._any_message()

    _msgh = _msg

    def _msgvec(self) -> Any:
        if self.draw.random() < 0.1:
            return self._any_message()
        messages = (mmsghdr * self.draw.randrange(1, 4))()
        for element in messages:
            element.msg_hdr = self.choice(self.messages)
        return messages if self.draw.random() < 0.9 else messages[0]

    def _cmsg(self) -> Any:
        return self.choice(self.headers) if self.draw.random() < 0.9 else self._Readable()

    # --- arguments by type ---

    def _Fd(self) -> Any:
        return self._open() if self.draw.random() < 0.85 else self.choice(NO_DESCRIPTORS)

    def _Int(self) -> Any:
        return self._often(INTS)

    _int = _UInt = _UInt16 = _UInt32 = _Int

    def _Size(self) -> Any:
        where = self.draw.random()
        if where < 0.6:
            return self.room
        return self.draw.randrange(self.room + 2) if where < 0.8 else self._often(LENGTHS)

    _Socklen = _Size

    def _SocklenPointer(self) -> Any:
        if self.draw.random() < 0.1:
            return self.choice((None, c_int(4), 4, b"1234"))
        length = self._Size()
        return socklen_t(length if type(length) is int else 0)

    def _TimespecPointer(self) -> Any:
        return self.choice((None, None, timespec(0, 1000), timespec(0, -1), timespec(-1, 0), 0, timeval(0, 0)))

    def _Text(self) -> Any:
        return self.choice(TEXTS)

    def _Readable(self) -> Any:
        where = self.draw.random()
        if where < 0.3:
            return self._sized(self.choice(ADDRESSES))
        return self._sized(self.draw.randbytes(self.draw.randrange(40))) if where < 0.5 else self._Writable()

    def _Writable(self) -> Any:
        where = self.draw.random()
        if where < 0.5:
            return self._lent(self.draw.randrange(ROOM))
        if where < 0.65:
            return self._sized(bytearray(self.draw.randrange(ROOM)))
        if where < 0.85:
            return self._sized(self._of_a_type())
        return self.choice((None, None, array.array("i", [1, 2]), memoryview(b"read-only"), *self._odd()))

    def _of_a_type(self) -> Any:
        """An object of ctypes, which may say that it is of another type."""
        made = self.choice(TYPES)()
        if isinstance(made, ctypes.Structure) and self.draw.random() < 0.1:
            made.__class__ = self.choice((sockaddr_in, sockaddr_un, sockaddr_storage))
        return made

    def _Any(self) -> Any:
        return self.choice((sockaddr_in, c_int(), 5, None, b"x"))

    # --- what they are made of ---

    def _open(self) -> int:
        return self.choice(sorted(self.fds)) if self.fds else -1

    def _often(self, usual: tuple[Any, ...]) -> Any:
        """A usual number, now and then any."""
        where = self.draw.random()
        return self.choice(usual) if where < 0.9 else self.choice(INTS if where < 0.96 else ODD_INTS)

    def _sized(self, buffer: Any) -> Any:
        self.room = memoryview(buffer).nbytes
        return buffer

    def _lent(self, size: int) -> memoryview:
        """Memory in the middle of more, which no call may touch."""
        arena = bytearray([CANARY]) * (size + 2 * MARGIN)
        arena[MARGIN : MARGIN + size] = self.draw.randbytes(size)
        self.arenas.append((arena, size))
        self.room = size
        return memoryview(arena)[MARGIN : MARGIN + size]

    def _odd(self) -> tuple[Any, ...]:
        released = memoryview(b"")
        released.release()
        return (
            memoryview(bytearray(16))[::2],
            released,
            "text",
            4096,
            object(),
            [],
            memoryview(bytearray(4)).cast("B", (2, 2)),
        )

    def _message(self) -> msghdr:
        """A msghdr, most of whose lengths fit."""
        vector = (iovec * self.draw.randrange(3))()
        for element in vector:
            element.iov_base = self.choice((None, bytes(4), self._lent(16), bytearray(8)))
            element.iov_len = self.choice((0, 4, 4, 8, 16, 17, 2**63))
        if len(vector) == 2 and self.draw.random() < 0.3:
            vector[1] = vector[0]
        message = msghdr(msg_iov=vector if vector else None, msg_iovlen=self.choice((len(vector), len(vector), 0, 3)))
        message.msg_name = name = self.choice((None, None, *ADDRESSES, self._lent(28)))
        message.msg_namelen = self.choice((0 if name is None else len(name), 0, 16, self.choice(LENGTHS) & 0xFFFFFFFF))
        message.msg_control = room = self.choice((None, None, self._rights(), self._lent(64), self._lent(20)))
        message.msg_controllen = self.choice((0 if room is None else len(room), 0, 16, 24, 65))
        return message

    def _rights(self) -> bytearray:
        """A control message with a descriptor, or with a header that lies."""
        head = cmsghdr(self.choice((20, 20, 20, 0, 15, 21, 2**64 - 1)), self.choice((1, 1, 0, 41, 276)), 1)
        return bytearray(bytes(head) + bytes(c_int(self._open())) + bytes(4))

    def _any_message(self) -> Any:
        """A new message, which takes the place of another, or no message at all."""
        if self.draw.random() < 0.3:
            return self._Readable()
        self.messages[self.draw.randrange(len(self.messages))] = message = self._message()
        return message


def open_descriptors() -> set[int]:
    """The open descriptors of this process, without the one that lists them."""
    listed = {int(name) for name in os.listdir("/proc/self/fd")}
    return {fd for fd in listed if os.path.lexists(f"/proc/self/fd/{fd}")}
