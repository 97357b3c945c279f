"""The C structures, with C's names and layout, as ctypes classes that both backends share.

Numbers are stored as in C: what goes on the wire (ports, IPv4 addresses) is in network byte order, so
`sin_port=htons(8080)`. A pointer field is assigned an object, never an address; see `Pointer`.
"""

from __future__ import annotations

import _socket  # a third of what socket costs to import
import ctypes
import sys
import weakref
from collections.abc import Iterator
from ctypes import POINTER, c_char, c_short, c_size_t, c_ubyte, c_uint16, c_uint32
from typing import TYPE_CHECKING, Any, overload

if TYPE_CHECKING:
    from typing import Generic, TypeVar

    from typing_extensions import Buffer

    Value = TypeVar("Value")

    class Member(Generic[Value]):
        """A member, as type checkers see it: what it has in a structure, and in its class its offset and size."""

        @overload
        def __get__(self, structure: None, owner: type) -> Any: ...
        @overload
        def __get__(self, structure: ctypes.Structure, owner: type) -> Value: ...
        def __get__(self, structure: ctypes.Structure | None, owner: type) -> Any: ...
        def __set__(self, structure: ctypes.Structure, value: Value) -> None: ...


PYPY = sys.implementation.name == "pypy"
BSD = sys.platform == "darwin" or "bsd" in sys.platform


c_int = ctypes.c_int
"""int, 4 bytes: `one = c_int(1)` for an option value, `(c_int * 2)()` for socketpair. Source: the C standard."""


class socklen_t(ctypes.c_uint32):
    """socklen_t, an unsigned length in bytes; its address is the value-result argument of accept and others:
    `n = socklen_t(16)`, then `n.value`. Source: POSIX.1 sys/socket.h."""

    def __repr__(self) -> str:
        return f"socklen_t({self.value})"


class _Structure(ctypes.Structure):
    def __init__(self, *values: Any, **members: Any) -> None:
        names = self._names()
        if len(values) > len(names):
            raise TypeError(f"{type(self).__name__} has {len(names)} members, not {len(values)}")
        super().__init__(**dict(zip(names, values, strict=False)), **members)

    def __setattr__(self, name: str, value: Any) -> None:
        if not hasattr(type(self), name):  # C's compiler would reject it, ctypes would keep it beside the struct
            raise AttributeError(f"struct {type(self).__name__} has no member {name}")
        super().__setattr__(name, value)

    def __repr__(self) -> str:
        fields = ", ".join(f"{name}={getattr(self, name)!r}" for name in self._names())
        return f"{type(self).__name__}({fields})"

    @classmethod
    def _names(cls) -> list[str]:
        return [str(field[0]).removeprefix("_") for field in cls._fields_]


worked_out: dict[tuple[int, str], Any] = {}
"""What backends/messages.py found out about the pointers of a structure, by its id and a call, with a weak reference to
it: void, and the objects let go, as soon as any pointer is assigned."""


def holds_address(view: memoryview) -> bool:
    """Whether its bytes are an address: of POINTER, c_void_p, c_char_p, py_object, or an array of them."""
    return view.format.lstrip("<>@=!")[:1] in ("&", "z", "Z", "P", "O", "X")


class Pointer:
    """A pointer field, stored as `_name`. What is assigned is bytes, a writable buffer (a structure, an array
    of structures, a bytearray) or None; ctypes then keeps it alive for as long as the structure or the array
    that the structure is an element of, also through copies (PyPy's keeps nothing for a copy of an element: its
    pointers are then addresses that no object was assigned for). Reading gives its memory, or None for NULL."""

    def __set_name__(self, owner: type, name: str) -> None:
        self.field = f"_{name}"

    def __set__(self, structure: ctypes.Structure, value: Buffer | None) -> None:
        setattr(structure, self.field, value if value is None else self._memory(value))
        worked_out.clear()

    @overload
    def __get__(self, structure: None, owner: type) -> Any: ...
    @overload
    def __get__(self, structure: ctypes.Structure, owner: type) -> memoryview | None: ...

    def __get__(self, structure: ctypes.Structure | None, owner: type) -> Any:
        if structure is None:
            return getattr(owner, self.field)  # for its offset and size
        pointer = getattr(structure, self.field)
        if not pointer:
            return None
        address = ctypes.addressof(pointer.contents)
        views = [_view(memory) for memory in _kept(structure) if ctypes.addressof(memory) == address]
        if not views:
            raise ValueError(
                f"{type(structure).__name__}.{self.field[1:]} holds an address that no object was assigned for: "
                "assign the object itself"
            )
        return max(views, key=lambda view: view.nbytes)  # of the slices that start there

    def _memory(self, value: Buffer) -> Any:
        """The memory that an object has now as an array of char, which is what ctypes keeps alive. The object goes with
        it, because what it points to is reachable too."""
        if isinstance(value, int):
            raise TypeError(f"{self.field[1:]} takes an object (a buffer, a structure or None), not an address")
        view = memoryview(value)
        if view.readonly and not isinstance(value, bytes):
            raise TypeError(
                f"{self.field[1:]} takes bytes or a writable buffer, not a read-only {type(value).__name__}"
            )
        if holds_address(view):
            raise TypeError(f"{self.field[1:]} takes the object itself, not a {type(value).__name__} to it")
        if not view.c_contiguous:
            raise TypeError(f"{self.field[1:]} takes memory that is contiguous")
        room = c_char * view.nbytes
        # ctypes shares only writable memory; a copy of bytes is as good, and PyPy's bytes have no fixed address.
        memory: Any = room.from_buffer_copy(value) if view.readonly else room.from_buffer(value)
        memory.given = value
        return memory


def _root(structure: Any) -> Any:
    """The outermost object, whose memory the structure is part of."""
    while structure._b_base_ is not None:
        structure = structure._b_base_
    return structure


def _kept(structure: ctypes.Structure) -> Iterator[Any]:
    """The memory of each object that ctypes keeps alive for this structure (in `_objects` of the outermost
    object, nested where one structure was copied into another)."""
    pending, seen = [_root(structure)._objects], set[int]()
    while pending:
        item = pending.pop()
        if id(item) in seen:  # an array's own, where an element was assigned to another one of it
            continue
        seen.add(id(item))
        if hasattr(item, "given"):
            yield item
        elif isinstance(item, dict):
            pending += item.values()
        elif isinstance(item, tuple):
            pending += item


def _view(memory: Any) -> memoryview:
    """As many bytes as the object had when it was assigned, however many it has now."""
    if PYPY:  # whose view of ctypes' memory does not keep it alive
        view = memoryview(memory.given)
        return view.cast("B") if view.nbytes else view
    view = memoryview(memory).cast("B") if len(memory) else memoryview(bytearray())
    return view.toreadonly() if isinstance(memory.given, bytes) else view


class Reachable:
    """Memory that a structure leads to: of every object that its pointers, or those of what they point to, were
    assigned."""

    def __init__(self, structure: Any) -> None:
        self.memory: dict[int, memoryview] = {}
        """By address. Where several start at one address, the longest."""
        self._held: list[Any] = []
        """What keeps it alive and in place."""
        first = _root(structure)
        self._first = weakref.ref(first), ctypes.addressof(first)
        roots = {id(first): first}
        pending = [first]
        while pending:
            for memory in _kept(pending.pop()):
                self._held.append(memory)
                address, view = ctypes.addressof(memory), _view(memory)
                if address not in self.memory or self.memory[address].nbytes < view.nbytes:
                    self.memory[address] = view
                owner = memory.given.obj if isinstance(memory.given, memoryview) else memory.given
                if not hasattr(owner, "_b_base_"):
                    continue
                root = _root(owner)
                start = ctypes.addressof(root)
                if not start <= address <= address + len(memory) <= start + ctypes.sizeof(root):
                    raise ValueError(
                        f"a pointer leads to a {type(owner).__name__} that ctypes.resize moved: assign it again"
                    )
                if id(root) not in roots:
                    roots[id(root)] = root
                    pending.append(root)
        self._others = [*roots.values()][1:]
        self._starts = [*map(ctypes.addressof, self._others)]

    def in_place(self) -> bool:
        """Whether ctypes.resize, which asks nobody, moved nothing."""
        first, start = self._first[0](), self._first[1]
        unmoved = first is not None and ctypes.addressof(first) == start
        return unmoved and [*map(ctypes.addressof, self._others)] == self._starts


def _family(name: str) -> list[tuple[str, Any]]:
    """The first member of every socket address; the BSDs put a length byte before it."""
    return [(f"{name}_len", c_ubyte), (f"{name}_family", c_ubyte)] if BSD else [(f"{name}_family", c_uint16)]


class in_addr(_Structure):
    """struct in_addr: s_addr, an IPv4 address in network byte order. Source: POSIX.1 netinet/in.h; ip(7)."""

    s_addr: Member[int]
    _fields_ = [("s_addr", c_uint32)]

    def __repr__(self) -> str:
        return f'in_addr("{_socket.inet_ntoa(bytes(self))}")'


class in6_addr(_Structure):
    """struct in6_addr: s6_addr, the 16 bytes of an IPv6 address. Source: POSIX.1 netinet/in.h; ipv6(7)."""

    s6_addr: Member[Any]
    _fields_ = [("s6_addr", c_ubyte * 16)]

    def __repr__(self) -> str:
        return f'in6_addr("{_socket.inet_ntop(_socket.AF_INET6, bytes(self))}")'


class sockaddr(_Structure):
    """struct sockaddr: sa_family and sa_data, the form common to all addresses. Source: sockaddr(3type)."""

    sa_family: Member[int]
    sa_data: Member[bytes]
    _fields_ = [*_family("sa"), ("sa_data", c_char * 14)]

    def __repr__(self) -> str:
        return f"sockaddr(family {self.sa_family}, {bytes(self)[2:]!r})"


class sockaddr_in(_Structure):
    """struct sockaddr_in: sin_family, sin_port (network byte order), sin_addr, sin_zero (no meaning);
    16 bytes. Source: ip(7)."""

    sin_family: Member[int]
    sin_port: Member[int]
    sin_addr: Member[in_addr]
    sin_zero: Member[Any]
    _fields_ = [*_family("sin"), ("sin_port", c_uint16), ("sin_addr", in_addr), ("sin_zero", c_ubyte * 8)]

    def __repr__(self) -> str:
        return f'sockaddr_in("{_socket.inet_ntoa(bytes(self.sin_addr))}", port {_socket.ntohs(self.sin_port)})'


class sockaddr_in6(_Structure):
    """struct sockaddr_in6: sin6_family, sin6_port and sin6_flowinfo (network byte order), sin6_addr,
    sin6_scope_id (an interface index); 28 bytes. Source: ipv6(7)."""

    sin6_family: Member[int]
    sin6_port: Member[int]
    sin6_flowinfo: Member[int]
    sin6_addr: Member[in6_addr]
    sin6_scope_id: Member[int]
    _fields_ = [
        *_family("sin6"),
        ("sin6_port", c_uint16),
        ("sin6_flowinfo", c_uint32),
        ("sin6_addr", in6_addr),
        ("sin6_scope_id", c_uint32),
    ]

    def __repr__(self) -> str:
        host = _socket.inet_ntop(_socket.AF_INET6, bytes(self.sin6_addr))
        scope = f", scope {self.sin6_scope_id}" if self.sin6_scope_id else ""
        return f'sockaddr_in6("{host}", port {_socket.ntohs(self.sin6_port)}{scope})'


class Path:
    """sun_path, stored as `_sun_path`. ctypes would end an assigned value at its first NUL, so that an abstract
    name, which starts with one, would be lost."""

    def __set__(self, address: sockaddr_un, value: bytes) -> None:
        room = type(address)._sun_path.size
        if not isinstance(value, bytes):
            raise TypeError(f"sun_path takes bytes, not {type(value).__name__}: os.fsencode(path)")
        if len(value) > room:
            raise ValueError(f"sun_path has {room} bytes, and this path has {len(value)}")
        address._sun_path[:] = value.ljust(room, b"\0")

    @overload
    def __get__(self, address: None, owner: type[sockaddr_un]) -> Any: ...
    @overload
    def __get__(self, address: sockaddr_un, owner: type[sockaddr_un]) -> bytes: ...

    def __get__(self, address: sockaddr_un | None, owner: type[sockaddr_un]) -> Any:
        if address is None:
            return owner._sun_path  # for its offset and size
        raw = bytes(address._sun_path)
        return raw.rstrip(b"\0") if raw.startswith(b"\0") else raw.split(b"\0", 1)[0]


class sockaddr_un(_Structure):
    """struct sockaddr_un: sun_family and sun_path (108 bytes; 104 on the BSDs). A path ends at its NUL or at
    the end of sun_path. An abstract name starts with NUL and is as long as addrlen says: reading sun_path
    strips the NULs after it, `bytes(address)[2:addrlen.value]` does not. Source: unix(7)."""

    sun_family: Member[int]
    _fields_ = [*_family("sun"), ("_sun_path", c_ubyte * (104 if BSD else 108))]
    sun_path = Path()

    def __repr__(self) -> str:
        path = self.sun_path.decode("utf-8", "backslashreplace").replace("\0", "\\0")
        return f'sockaddr_un("{path}")'


class sockaddr_storage(_Structure):
    """struct sockaddr_storage: ss_family; 128 bytes, large and aligned enough for every address. Source: POSIX.1
    sys/socket.h."""

    ss_family: Member[int]
    _fields_ = [*_family("ss"), ("_padding", c_char * 118), ("_align", ctypes.c_ulong)]

    def __repr__(self) -> str:
        for family, kind in _ADDRESSES.items():
            if self.ss_family == family:
                return f"sockaddr_storage({kind.from_buffer_copy(self)!r})"
        return f"sockaddr_storage(family {self.ss_family})"


_ADDRESSES: dict[int, type[_Structure]] = {
    _socket.AF_INET: sockaddr_in,
    _socket.AF_INET6: sockaddr_in6,
    _socket.AF_UNIX: sockaddr_un,
}


class linger(_Structure):
    """struct linger: l_onoff (0 or not), l_linger (seconds); the value of SO_LINGER. Source: socket(7)."""

    l_onoff: Member[int]
    l_linger: Member[int]
    _fields_ = [("l_onoff", ctypes.c_int), ("l_linger", ctypes.c_int)]


class timeval(_Structure):
    """struct timeval: tv_sec and tv_usec (microseconds); the value of SO_RCVTIMEO. Source: POSIX.1
    sys/time.h."""

    tv_sec: Member[int]
    tv_usec: Member[int]
    _fields_ = [("tv_sec", ctypes.c_long), ("tv_usec", ctypes.c_int if BSD else ctypes.c_long)]


class timespec(_Structure):
    """struct timespec: tv_sec and tv_nsec (nanoseconds); the timeout of recvmmsg. Source: POSIX.1 time.h;
    timespec(3type)."""

    tv_sec: Member[int]
    tv_nsec: Member[int]
    _fields_ = [("tv_sec", ctypes.c_long), ("tv_nsec", ctypes.c_long)]


class ucred(_Structure):
    """struct ucred: pid, uid, gid of a peer; the value of SO_PEERCRED. Source: unix(7)."""

    pid: Member[int]
    uid: Member[int]
    gid: Member[int]
    _fields_ = [("pid", ctypes.c_int), ("uid", c_uint32), ("gid", c_uint32)]


class iovec(_Structure):
    """struct iovec: iov_base (a buffer) and iov_len (bytes of it to use). Source: POSIX.1 sys/uio.h."""

    iov_len: Member[int]
    _fields_ = [("_iov_base", POINTER(c_char)), ("iov_len", c_size_t)]
    iov_base = Pointer()


class msghdr(_Structure):
    """struct msghdr: msg_name and msg_namelen (an address), msg_iov and msg_iovlen (an array of iovec, in
    elements), msg_control and msg_controllen (control messages, in bytes), msg_flags. Source: recvmsg(2)."""

    msg_namelen: Member[int]
    msg_iovlen: Member[int]
    msg_controllen: Member[int]
    msg_flags: Member[int]
    # Linux counts in size_t where POSIX and the BSDs have int and socklen_t.
    _fields_ = [
        ("_msg_name", POINTER(c_char)),
        ("msg_namelen", c_uint32),
        ("_msg_iov", POINTER(c_char)),
        ("msg_iovlen", ctypes.c_int if BSD else c_size_t),
        ("_msg_control", POINTER(c_char)),
        ("msg_controllen", c_uint32 if BSD else c_size_t),
        ("msg_flags", ctypes.c_int),
    ]
    msg_name = Pointer()
    msg_iov = Pointer()
    msg_control = Pointer()


class mmsghdr(_Structure):
    """struct mmsghdr: msg_hdr and msg_len (bytes sent or received). Source: recvmmsg(2)."""

    msg_hdr: Member[msghdr]
    msg_len: Member[int]
    _fields_ = [("msg_hdr", msghdr), ("msg_len", ctypes.c_uint)]


class cmsghdr(_Structure):
    """struct cmsghdr: cmsg_len (with this header, in bytes), cmsg_level, cmsg_type; the data follow.
    Source: cmsg(3)."""

    cmsg_len: Member[int]
    cmsg_level: Member[int]
    cmsg_type: Member[int]
    _fields_ = [
        ("cmsg_len", c_uint32 if BSD else c_size_t),
        ("cmsg_level", ctypes.c_int),
        ("cmsg_type", ctypes.c_int),
    ]


class pollfd(_Structure):
    """struct pollfd: fd, events (asked), revents (answered). Source: POSIX.1 poll.h; poll(2)."""

    fd: Member[int]
    events: Member[int]
    revents: Member[int]
    _fields_ = [("fd", ctypes.c_int), ("events", c_short), ("revents", c_short)]


__all__ = [
    "c_int",
    "cmsghdr",
    "in6_addr",
    "in_addr",
    "iovec",
    "linger",
    "mmsghdr",
    "msghdr",
    "pollfd",
    "sockaddr",
    "sockaddr_in",
    "sockaddr_in6",
    "sockaddr_storage",
    "sockaddr_un",
    "socklen_t",
    "timespec",
    "timeval",
    "ucred",
]


def sizeof(x: ctypes._CData | type[ctypes._CData], /) -> int:
    """sizeof(x): the size in bytes of a structure, an array or their type; TypeError for anything else."""
    return ctypes.sizeof(x)


def _nbytes(obj: Any) -> int:
    return memoryview(obj).nbytes


#: The bytes of an object of ctypes, whatever its type says: __class__ can be assigned. PyPy's sizeof believes the type.
own_size: Any = _nbytes if PYPY else ctypes.sizeof
