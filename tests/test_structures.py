"""The structures: their layout is the C compiler's, their pointers hold objects and never addresses."""

from __future__ import annotations

import array
import ctypes
import gc
import mmap
import os
import shutil
import socket
import subprocess
import weakref
from typing import Any

import pytest

from pysock_raw import structures
from pysock_raw.structures import (
    c_int,
    cmsghdr,
    in_addr,
    iovec,
    linger,
    mmsghdr,
    msghdr,
    pollfd,
    sizeof,
    sockaddr_in,
    sockaddr_in6,
    sockaddr_storage,
    sockaddr_un,
    socklen_t,
    timespec,
    timeval,
    ucred,
)

STRUCTURES = [getattr(structures, name) for name in structures.__all__ if name not in ("c_int", "socklen_t")]
MEMBERS = {
    kind.__name__: [
        str(field[0]).removeprefix("_")
        for field in kind._fields_
        if field[0] not in ("_padding", "_align")  # sockaddr_storage's are the implementation's
    ]
    for kind in STRUCTURES
}
PROGRAM = r"""
#define _GNU_SOURCE
#include <netinet/in.h>
#include <poll.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <time.h>
#define TYPE(name, type) printf(name " %zu\n", sizeof(type));
#define STRUCT(name) TYPE(#name, struct name)
#define MEMBER(s, m) printf(#s "." #m " %zu %zu\n", offsetof(struct s, m), sizeof(((struct s *)0)->m));
int main(void)
{
    TYPE("c_int", int) TYPE("socklen_t", socklen_t)
"""


def program() -> str:
    """C that prints `struct size`, and `struct.member offset size` for every member."""
    lines = [f"STRUCT({name})" for name in MEMBERS]
    lines += [f"MEMBER({name}, {member})" for name, members in MEMBERS.items() for member in members]
    return PROGRAM + "\n".join(lines) + "\nreturn 0; }\n"


@pytest.fixture(scope="session")
def layout(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[int]]:
    """The compiler's word: name -> [size], name.member -> [offset, size]."""
    compiler = shutil.which("gcc")
    if compiler is None:
        pytest.skip("there is no gcc to ask for the layout of C's structures")
    directory = tmp_path_factory.mktemp("layout")
    (directory / "layout.c").write_text(program())
    subprocess.run([compiler, "-Wall", "-Werror", "layout.c", "-o", "layout"], cwd=directory, check=True)
    output = subprocess.run([directory / "layout"], check=True, capture_output=True, text=True).stdout
    return {name: [int(n) for n in numbers] for name, *numbers in map(str.split, output.splitlines())}


@pytest.mark.parametrize("name", structures.__all__)
def test_size_is_the_compilers(name: str, layout: dict[str, list[int]]) -> None:
    assert [sizeof(getattr(structures, name))] == layout[name]


@pytest.mark.parametrize("path", [f"{name}.{member}" for name in MEMBERS for member in MEMBERS[name]])
def test_member_is_where_the_compiler_puts_it(path: str, layout: dict[str, list[int]]) -> None:
    name, _, member = path.partition(".")
    field = getattr(getattr(structures, name), member)
    assert [field.offset, field.size] == layout[path]


def test_arrays_have_no_gaps() -> None:
    assert sizeof(iovec * 3) == 3 * sizeof(iovec)
    assert sizeof((mmsghdr * 2)()) == 2 * sizeof(mmsghdr)


@pytest.mark.parametrize("thing", [16, b"bytes", None, object()], ids=["int", "bytes", "None", "object"])
def test_sizeof_is_for_c_types_only(thing: Any) -> None:
    with pytest.raises(TypeError):
        sizeof(thing)


# --- what they look like ---


def ip4() -> sockaddr_in:
    return sockaddr_in(socket.AF_INET, socket.htons(8080), in_addr(socket.htonl(0x7F000001)))


def ip6(scope: int = 0) -> sockaddr_in6:
    address = sockaddr_in6(sin6_family=socket.AF_INET6, sin6_port=socket.htons(443), sin6_scope_id=scope)
    address.sin6_addr.s6_addr[:] = socket.inet_pton(socket.AF_INET6, "fe80::1")
    return address


def local(path: bytes) -> sockaddr_un:
    return sockaddr_un(sun_family=socket.AF_UNIX, sun_path=path)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (c_int(-7), "c_int(-7)"),
        (socklen_t(16), "socklen_t(16)"),
        (ip4().sin_addr, 'in_addr("127.0.0.1")'),
        (ip6().sin6_addr, 'in6_addr("fe80::1")'),
        (ip4(), 'sockaddr_in("127.0.0.1", port 8080)'),
        (ip6(), 'sockaddr_in6("fe80::1", port 443)'),
        (ip6(scope=3), 'sockaddr_in6("fe80::1", port 443, scope 3)'),
        (local(b"/run/a.sock"), 'sockaddr_un("/run/a.sock")'),
        (local(b"\0name"), 'sockaddr_un("\\0name")'),
        (local(b"/\xff"), 'sockaddr_un("/\\xff")'),
        (
            sockaddr_storage.from_buffer_copy(bytes(ip4()).ljust(128, b"\0")),
            'sockaddr_storage(sockaddr_in("127.0.0.1", port 8080))',
        ),
        (sockaddr_storage(ss_family=socket.AF_UNSPEC), "sockaddr_storage(family 0)"),
        (linger(1, 30), "linger(l_onoff=1, l_linger=30)"),
        (timeval(tv_sec=1, tv_usec=500), "timeval(tv_sec=1, tv_usec=500)"),
        (timespec(tv_sec=1, tv_nsec=500), "timespec(tv_sec=1, tv_nsec=500)"),
        (ucred(1, 2, 3), "ucred(pid=1, uid=2, gid=3)"),
        (pollfd(3, 1), "pollfd(fd=3, events=1, revents=0)"),
        (cmsghdr(16, 1, 2), "cmsghdr(cmsg_len=16, cmsg_level=1, cmsg_type=2)"),
        (iovec(), "iovec(iov_base=None, iov_len=0)"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_repr(value: Any, text: str) -> None:
    assert repr(value) == text


# --- members ---


@pytest.mark.parametrize("kind", STRUCTURES, ids=lambda kind: kind.__name__)
def test_unknown_member_is_an_error_as_in_c(kind: Any) -> None:
    with pytest.raises(AttributeError, match=f"struct {kind.__name__} has no member nothing"):
        kind().nothing = 1
    with pytest.raises(AttributeError, match="has no member nothing"):
        kind(nothing=1)


def test_too_many_values() -> None:
    with pytest.raises(TypeError, match="linger has 2 members, not 3"):
        linger(1, 2, 3)


@pytest.mark.parametrize(
    ("assigned", "read"),
    [
        (b"", b""),
        (b"/run/a", b"/run/a"),
        (b"/run/a\0rest", b"/run/a"),  # a path ends at its NUL
        (b"\0", b""),  # no name at all cannot be told from one NUL without addrlen
        (b"\0abstract", b"\0abstract"),
        (b"\0a\0b", b"\0a\0b"),
        (b"x" * 104, b"x" * 104),
    ],
    ids=repr,
)
def test_sun_path(assigned: bytes, read: bytes) -> None:
    address = local(assigned)
    assert address.sun_path == read
    assert bytes(address)[2:].rstrip(b"\0") == assigned.rstrip(b"\0")


def test_sun_path_forgets_a_longer_name() -> None:
    address = local(b"\0a long abstract name")
    address.sun_path = b"\0b"
    assert bytes(address)[2:] == b"\0b".ljust(sizeof(address) - 2, b"\0")


def test_sun_path_uses_its_last_byte() -> None:
    room = sockaddr_un.sun_path.size
    assert local(b"x" * room).sun_path == b"x" * room
    with pytest.raises(ValueError, match=f"sun_path has {room} bytes, and this path has {room + 1}"):
        local(b"x" * (room + 1))


def test_sun_path_takes_bytes_only() -> None:
    with pytest.raises(TypeError, match="takes bytes, not str"):
        local("/run/a")  # type: ignore[arg-type]


# --- pointers ---

POINTERS = [
    (iovec, "iov_base"),
    (msghdr, "msg_name"),
    (msghdr, "msg_iov"),
    (msghdr, "msg_control"),
]
each_pointer = pytest.mark.parametrize(
    ("kind", "field"), POINTERS, ids=[f"{kind.__name__}.{field}" for kind, field in POINTERS]
)


@each_pointer
@pytest.mark.parametrize(
    ("value", "memory"),
    [
        (b"abc\0def", b"abc\0def"),
        (bytearray(b"abc"), b"abc"),
        (array.array("H", [1]), array.array("H", [1]).tobytes()),
        (memoryview(bytearray(b"abc"))[1:], b"bc"),
        (in_addr(5), bytes(in_addr(5))),
        ((c_int * 2)(1, 2), bytes((c_int * 2)(1, 2))),
        (b"", b""),
        (bytearray(), b""),
    ],
    ids=["bytes", "bytearray", "array", "slice", "structure", "array of structures", "no bytes", "empty"],
)
def test_pointer_reads_back_its_memory(kind: Any, field: str, value: Any, memory: bytes) -> None:
    structure = kind(**{field: value})
    assert bytes(getattr(structure, field)) == memory


@each_pointer
def test_bytes_stay_read_only(kind: Any, field: str) -> None:
    assert getattr(kind(**{field: b"abc"}), field).readonly


@each_pointer
def test_pointer_shares_the_memory(kind: Any, field: str) -> None:
    buffer = bytearray(b"abc")
    structure = kind(**{field: buffer})
    getattr(structure, field)[0] = ord("X")
    assert buffer == b"Xbc"


@each_pointer
def test_pointer_is_stored_as_an_address(kind: Any, field: str) -> None:
    buffer = (ctypes.c_char * 4)()
    structure = kind(**{field: buffer})
    where = getattr(kind, field).offset
    stored = bytes(structure)[where : where + sizeof(ctypes.c_void_p)]
    assert ctypes.c_void_p.from_buffer_copy(stored).value == ctypes.addressof(buffer)


@each_pointer
def test_null(kind: Any, field: str) -> None:
    structure = kind(**{field: b"something"})
    setattr(structure, field, None)
    assert getattr(structure, field) is None
    assert getattr(kind(), field) is None
    assert bytes(structure) == bytes(sizeof(structure))


@each_pointer
@pytest.mark.parametrize(
    ("value", "message"),
    [
        (1234, "not an address"),
        (True, "not an address"),
        ("text", "bytes-like object is required"),
        (memoryview(b"abc"), "read-only memoryview"),
        (memoryview(bytearray(8))[::2], "contiguous"),
        (ctypes.pointer(c_int(5)), "the object itself"),
        (ctypes.c_void_p(5), "the object itself"),
        ((ctypes.c_char_p * 2)(), "the object itself"),
    ],
    ids=["int", "bool", "str", "read-only", "not contiguous", "pointer", "void pointer", "array of pointers"],
)
def test_pointer_refuses(kind: Any, field: str, value: Any, message: str) -> None:
    structure = kind()
    with pytest.raises((TypeError, ValueError), match=message):
        setattr(structure, field, value)
    assert getattr(structure, field) is None


@pytest.mark.skipif(structures.PYPY, reason="PyPy keeps nothing for a copy of an element")
def test_an_element_that_is_copied_within_its_array() -> None:
    """ctypes then keeps the array's objects within themselves."""
    vector = (iovec * 3)()
    vector[0].iov_base = b"hello"
    vector[1] = vector[0]
    vector[2] = vector[1]
    assert [bytes(element.iov_base) for element in vector] == [b"hello"] * 3


@pytest.mark.skipif(structures.PYPY, reason="PyPy keeps nothing for a copy of an element")
def test_copies_of_copies_are_looked_at_once() -> None:
    """Each array keeps twice what the one before it keeps."""
    element = iovec(b"hello")
    for _ in range(60):
        vector = (iovec * 2)()
        vector[0] = vector[1] = element
        element = vector[0]
    assert bytes(element.iov_base) == b"hello"


def collect() -> None:
    """Collect what nobody refers to. PyPy ends one finalizer of a chain in each collection."""
    for _ in range(3):
        gc.collect()


class Buffer(bytearray):
    """A bytearray that can be watched."""


@each_pointer
def test_pointer_keeps_its_object_alive(kind: Any, field: str) -> None:
    buffer = Buffer(b"kept")
    watched = weakref.ref(buffer)
    structure = kind(**{field: buffer})
    del buffer
    collect()
    assert watched() is not None
    assert bytes(getattr(structure, field)) == b"kept"
    del structure
    collect()
    assert watched() is None


def growing_is_refused() -> bool:
    """Whether this Python holds a bytearray in place while anything looks into it; PyPy 7 does not."""
    buffer = bytearray(1)
    with memoryview(buffer):
        try:
            buffer.append(0)
        except BufferError:
            return True
    return False


@pytest.mark.skipif(not growing_is_refused(), reason="here a bytearray moves also while a memoryview looks into it")
def test_pointer_holds_a_bytearray_in_place() -> None:
    buffer = bytearray(8)
    vector = iovec(iov_base=buffer)
    with pytest.raises(BufferError):
        buffer.extend(b"it would move")
    del vector
    collect()
    buffer.extend(b"now it may")


def test_element_of_an_array_keeps_alive() -> None:
    vector = (iovec * 2)()
    watched = []
    for element, text in zip(vector, (b"one", b"three"), strict=True):
        buffer = Buffer(text)
        element.iov_base = buffer
        watched.append(weakref.ref(buffer))
        del buffer
    collect()
    assert [bytes(element.iov_base) for element in vector] == [b"one", b"three"]
    assert all(reference() is not None for reference in watched)


def test_array_made_of_structures_keeps_alive() -> None:
    vector = (iovec * 2)(iovec(iov_base=bytearray(b"one")), iovec(iov_base=b"three"))
    collect()
    assert [bytes(element.iov_base) for element in vector] == [b"one", b"three"]


def test_memory_outlives_its_structure() -> None:
    memory = iovec(iov_base=bytearray(b"still there")).iov_base
    collect()
    assert bytes(memory) == b"still there"


@pytest.mark.parametrize("sizes", [(2, 8), (8, 2)], ids=str)
def test_slices_that_start_at_one_address(sizes: tuple[int, int]) -> None:
    buffer = memoryview(bytearray(b"together"))
    vector = (iovec * 2)()
    for element, size in zip(vector, sizes, strict=True):
        element.iov_base = buffer[:size]
    assert bytes(vector[sizes.index(8)].iov_base) == b"together"


def test_whole_message_keeps_alive() -> None:
    messages = (mmsghdr * 2)()
    for message in messages:
        vector = (iovec * 1)()
        vector[0].iov_base = bytearray(b"payload")
        message.msg_hdr.msg_iov = vector
        message.msg_hdr.msg_name = ip4()
        del vector
    collect()
    for message in messages:
        assert bytes(message.msg_hdr.msg_name) == bytes(ip4())
        assert len(message.msg_hdr.msg_iov) == sizeof(iovec)


def test_copied_structure_keeps_alive() -> None:
    message = mmsghdr(msg_hdr=msghdr(msg_control=bytearray(b"control")))
    collect()
    assert bytes(message.msg_hdr.msg_control) == b"control"


def test_memory_that_is_not_pythons_own() -> None:
    with mmap.mmap(-1, 16) as pages:
        vector = iovec(iov_base=pages)
        pages[:3] = b"abc"
        assert bytes(vector.iov_base[:3]) == b"abc"
        del vector
        collect()


def forge_by_bytes(vector: iovec) -> None:
    memoryview(vector).cast("B")[:8] = os.urandom(7) + b"\1"


def forge_by_the_hidden_field(vector: iovec) -> None:
    vector._iov_base = ctypes.cast(ctypes.c_void_p(0x1000), ctypes.POINTER(ctypes.c_char))


@pytest.mark.parametrize("forge", [forge_by_bytes, forge_by_the_hidden_field], ids=lambda f: f.__name__)
def test_forged_address_cannot_be_read(forge: Any) -> None:
    vector = iovec(iov_base=bytearray(b"honest"))
    forge(vector)
    with pytest.raises(ValueError, match="holds an address that no object was assigned for"):
        _ = vector.iov_base


def test_address_of_freed_memory_cannot_be_read() -> None:
    copy = iovec.from_buffer_copy(bytes(iovec(iov_base=bytearray(b"gone"), iov_len=4)))
    with pytest.raises(ValueError, match="no object was assigned"):
        _ = copy.iov_base
