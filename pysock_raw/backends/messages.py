"""The structures of sendmsg, recvmsg, sendmmsg and recvmmsg: read once, checked whole, and written back.

A call works on a `Batch`: its `messages` hold the memory that the pointers lead to, alive and in place, and its `own`
is the copy of the structures that the kernel gets, which leads to copies of the arrays of iovec. So nothing that
another thread does to the program's structures during the call can lead the kernel elsewhere.

A batch is kept for the next call with the same structures, which then costs one comparison of their bytes: equal bytes
are the same pointers and lengths, and the batch still holds what they lead to. structures.py lets it go as soon as a
pointer is assigned.
"""

from __future__ import annotations

import ctypes
import struct
import weakref
from _socket import MSG_CTRUNC
from collections.abc import Callable
from typing import Any, NamedTuple

from pysock_raw import structures
from pysock_raw.backends import arguments, control
from pysock_raw.structures import BSD, PYPY, mmsghdr, msghdr, sizeof

_HEADER = "PIPiPIi0P" if BSD else "PIPNPNi0P"  # native alignment; 0P is the padding at the end
LAYOUTS = {msghdr: struct.Struct(_HEADER), mmsghdr: struct.Struct(_HEADER + "I0P")}
VECTOR = struct.Struct("PN")
POINTER = struct.Struct("P")
WORD = 4  # bytes; a call writes members of one or two words


class Use:
    """What a call does with its structures."""

    def __init__(self, call: str, kind: Any, *writes: str) -> None:
        self.call, self.kind, self.layout = call, kind, LAYOUTS[kind]
        self.receives = "msg_flags" in writes
        self.written = self._words(*writes)
        self.lengths = self._words(*[name for name in ("msg_namelen", "msg_controllen") if name in writes])
        self.remarks = self._words(*[name for name in ("msg_flags", "msg_len") if name in writes])
        """Members that the call writes and never reads."""

    def _words(self, *members: str) -> list[slice]:
        """Where these members are, in every structure of an array."""
        fields = [getattr(mmsghdr if name == "msg_len" else msghdr, name) for name in members]
        words = [at // WORD for field in fields for at in range(field.offset, field.offset + field.size, WORD)]
        return [slice(word, None, self.layout.size // WORD) for word in words]


SENDMSG = Use("sendmsg", msghdr)
RECVMSG = Use("recvmsg", msghdr, "msg_namelen", "msg_controllen", "msg_flags")
SENDMMSG = Use("sendmmsg", mmsghdr, "msg_len")
RECVMMSG = Use("recvmmsg", mmsghdr, "msg_namelen", "msg_controllen", "msg_flags", "msg_len")


class Message(NamedTuple):
    """What one msghdr says. A pointer is its memory, or None for NULL."""

    name: memoryview | None
    namelen: int
    iov: memoryview | None
    iovlen: int
    vectors: list[tuple[memoryview | None, int]]
    """iov_base and iov_len of each element of iov."""
    control: memoryview | None
    controllen: int

    @property
    def length(self) -> int:
        return sum(length for _, length in self.vectors)


class Batch:
    """Structures as they were when they were read."""

    def __init__(self, use: Use, raw: bytes, structure: Any) -> None:
        self.use, self.given, self.own = use, bytearray(raw), bytearray(raw)
        self._given, self._own = memoryview(self.given).cast("I"), memoryview(self.own).cast("I")
        self.structure: Callable[[], Any] = lambda: None
        """The program's structures, unless they are gone."""
        self.program: memoryview | None = None
        """The program's structures, during a call."""
        self._reachable = structures.Reachable(structure)
        arrays: list[bytes] = []
        self.messages = [
            self._message(f"msgvec[{index}].msg_hdr." if use.kind is mmsghdr else "", fields, arrays)
            for index, fields in enumerate(use.layout.iter_unpack(raw))
        ]
        self._vectors = bytearray().join(arrays)
        self._watched = [message.iov[: message.iovlen * VECTOR.size] for message in self.messages if message.iov]
        self._sent: list[tuple[memoryview, memoryview]] = []
        """Control messages that are sent: the kernel's copy and the program's."""
        self._lead_to_copies()
        self._copy_control()

    def _message(self, where: str, fields: tuple[int, ...], arrays: list[bytes]) -> Message:
        name, namelen, iov, iovlen, room, controllen = fields[:6]
        receives, size = self.use.receives, iovlen * VECTOR.size
        # The kernel refuses a negative msg_namelen (__copy_msghdr).
        checked = 0 if arguments.LINUX and namelen >= 2**31 else namelen
        array = self._pointed(where, "msg_iov", iov, "msg_iovlen * sizeof(struct iovec)", size)
        arrays.append(b"" if array is None else bytes(array[:size]))
        return Message(
            self._pointed(where, "msg_name", name, "msg_namelen", checked, receives),
            namelen,
            array,
            iovlen,
            [
                (self._pointed(f"{where}msg_iov[{index}].", "iov_base", base, "iov_len", length, receives), length)
                for index, (base, length) in enumerate(VECTOR.iter_unpack(arrays[-1]))
            ],
            self._pointed(where, "msg_control", room, "msg_controllen", controllen, receives),
            controllen,
        )

    def _pointed(
        self, where: str, name: str, address: int, length_name: str, length: int, writable: bool = False
    ) -> memoryview | None:
        """The memory behind a pointer, checked."""
        if not address:
            return None
        view = self._reachable.memory.get(address)
        if view is None:
            raise ValueError(
                f"{where}{name} holds an address that no object was assigned for: assign the object itself"
            )
        if length > view.nbytes:
            arguments.bounded(f"{where}{name}", view, f"{where}{length_name}", length)
        if writable and view.readonly:
            raise TypeError(f"{where}{name} must be writable, and this bytes is read-only")
        return view

    def _lead_to_copies(self) -> None:
        """Make the kernel's structures point to copies of what it follows: the arrays of iovec, and what is sent as
        control messages."""
        at = _address(self._vectors)
        for start, message in zip(range(0, len(self.own), self.use.layout.size), self.messages, strict=True):
            if message.vectors:
                POINTER.pack_into(self.own, start + msghdr.msg_iov.offset, at)
                at += message.iovlen * VECTOR.size
            if message.control and message.controllen and not self.use.receives:
                copy = bytearray(message.controllen)
                POINTER.pack_into(self.own, start + msghdr.msg_control.offset, _address(copy))
                self._sent.append((memoryview(copy), message.control[: message.controllen]))

    def _copy_control(self) -> None:
        for copy, program in self._sent:
            copy[:] = program
            control.refuse_addresses(bytes(copy))

    def is_for(self, raw: bytes) -> bool:
        """Whether these are the structures still. What was moved is not looked at: its memory is free."""
        return self._reachable.in_place() and raw == self.given and b"".join(self._watched) == self._vectors

    def again(self) -> None:
        """Make it ready for another call."""
        self._copy(self._given, self._own, self.use.lengths)
        self._copy_control()

    def write(self, index: int, **members: int) -> None:
        """Write members of a structure as the kernel does, for a side that is told of them."""
        structure = self.use.kind.from_buffer(self.own, index * self.use.layout.size)
        for name, value in members.items():
            setattr(structure if name == "msg_len" else getattr(structure, "msg_hdr", structure), name, value)

    def received(self, index: int, family: int, sender: Any, ancillary: list[control.Triple], msg_flags: int) -> None:
        """Write down what socket.recvmsg returned, as the kernel does."""
        from pysock_raw.backends.addresses import to_bytes  # for the sides that sockets make

        message = self.messages[index]
        room = memoryview(bytearray()) if message.control is None else message.control[: message.controllen]
        used, cut = control.put(room, ancillary)
        self.write(index, msg_controllen=used, msg_flags=msg_flags | (MSG_CTRUNC if cut else 0))
        if message.name is not None:
            address = to_bytes(family, sender)
            fits = min(message.namelen, len(address))
            message.name[:fits] = address[:fits]
            self.write(index, msg_namelen=len(address))

    def flags(self, index: int) -> int:
        """The msg_flags of a message that was received."""
        structure = self.use.kind.from_buffer_copy(self.own, index * self.use.layout.size)
        return int(getattr(structure, "msg_hdr", structure).msg_flags)

    def write_back(self) -> None:
        """Copy what the call wrote to the program's structures, and let go of them."""
        if self.use.written and self.program is not None:
            self._copy(self._own, self.program.cast("I"), self.use.written)
            self._copy(self._own, self._given, self.use.remarks)
        self.program = None

    def _copy(self, source: memoryview, target: memoryview, words: list[slice]) -> None:
        """The same words of every structure."""
        for word in words:
            if PYPY:  # whose memoryviews take no slice with a step
                for at in range(*word.indices(len(target))):
                    target[at] = source[at]
            else:
                target[word] = source[word]


def _address(memory: bytearray) -> int:
    return ctypes.addressof((ctypes.c_char * len(memory)).from_buffer(memory))


def with_control(buffer: bytearray) -> bytearray:
    """A msghdr that has nothing but control messages, for the macros of cmsg(3)."""
    return bytearray(LAYOUTS[msghdr].pack(0, 0, 0, 0, _address(buffer), len(buffer), 0))


def _structures(name: str, obj: Any, count: int, use: Use) -> memoryview:
    """The memory of so many structures."""
    size, times = count * sizeof(use.kind), "vlen * " if use.kind is mmsghdr else ""
    if type(obj) is use.kind or getattr(obj, "_type_", None) is use.kind:
        whole = memoryview(obj)
        if 0 < size <= whole.nbytes:
            return whole.cast("B")[:size]
    owner = _owner(obj)
    if not isinstance(owner, use.kind) and getattr(owner, "_type_", None) is not use.kind:
        raise TypeError(f"{name} must be a {use.kind.__name__}, an array of them or None, not {type(obj).__name__}")
    view = arguments.memory(name, obj, writable=True)
    arguments.bounded(name, view, f"{times}sizeof(struct {use.kind.__name__})", size)
    return view[:size]  # type: ignore[index]  # obj is not None


def look(name: str, obj: Any, count: int, use: Use) -> Batch:
    """The batch of structures that no call is made with."""
    return Batch(use, bytes(_structures(name, obj, count, use)), _owner(obj))


def _owner(obj: Any) -> Any:
    """The structure or array that a slice is one of."""
    return obj.obj if isinstance(obj, memoryview) else obj


def read(name: str, obj: Any, count: int, use: Use) -> Batch | None:
    """The batch of a call, or None for NULL. One that is known is taken away, so that no other thread has it too."""
    if obj is None:
        return None
    program = _structures(name, obj, count, use)
    raw = bytes(program)
    batch: Batch | None = structures.worked_out.pop((id(obj), use.call), None)
    if batch is not None and batch.structure() is obj and batch.is_for(raw):
        batch.again()
    else:
        batch = Batch(use, raw, _owner(obj))
        key = id(obj), use.call
        batch.structure = weakref.ref(obj, lambda _: structures.worked_out.pop(key, None))
    batch.program = program
    return batch


def done(obj: Any, batch: Batch | None) -> None:
    """Write back what the call wrote, and keep the batch for the next one."""
    if batch is None:
        return
    batch.write_back()
    structures.worked_out[id(obj), batch.use.call] = batch
