"""Messages: what their structures may say before any call is made, that no thread can lead a call to other memory, and
control messages, whose lengths may be anything."""

from __future__ import annotations

import ctypes
import gc
import os
import random
import shutil
import struct
import subprocess
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from conftest import Sockets

from pysock_raw.backends import load
from pysock_raw.conformance.messages import batch, controls, descriptors, lengths, message, received, rights
from pysock_raw.conformance.needs import lacking
from pysock_raw.structures import PYPY, cmsghdr, iovec, mmsghdr, msghdr, sizeof, sockaddr_in, timespec

FD = -1
"""Any call that is made with it changes errno to EBADF."""
PAST = 2**40


def vectors(*elements: Any) -> Any:
    return (iovec * len(elements))(*elements)


def forged() -> Any:
    """An iovec with an address that nobody assigned."""
    return iovec.from_buffer_copy(bytes(iovec(iov_base=bytearray(8), iov_len=8)))


def resized() -> Any:
    """A msghdr whose object ctypes gave other memory, and freed what the pointer holds."""
    room = (ctypes.c_char * 100)()
    header = msghdr(msg_iov=iovec(room, 100), msg_iovlen=1)
    ctypes.resize(room, 2**20)
    return header


@dataclass(frozen=True)
class Wrong:
    """A msghdr that leads beyond an object, made anew for each test."""

    id: str
    make: Callable[[], Any]
    error: type[Exception]
    message: str

    def __str__(self) -> str:
        return self.id


WRONG = [
    Wrong(
        "iov_len past iov_base",
        lambda: msghdr(msg_iov=vectors(iovec(bytearray(4), 5)), msg_iovlen=1),
        ValueError,
        r"iov_len is 5, and .*msg_iov\[0\].iov_base has only 4 bytes",
    ),
    Wrong(
        "the second iov_len past its iov_base",
        lambda: msghdr(msg_iov=vectors(iovec(bytearray(4), 4), iovec(bytearray(3), PAST)), msg_iovlen=2),
        ValueError,
        rf"iov_len is {PAST}, and .*msg_iov\[1\].iov_base has only 3 bytes",
    ),
    Wrong(
        "msg_iovlen past msg_iov",
        lambda: msghdr(msg_iov=vectors(iovec(), iovec()), msg_iovlen=3),
        ValueError,
        "is 48, and .*msg_iov has only 32 bytes",
    ),
    Wrong(
        "msg_iovlen past all memory",
        lambda: msghdr(msg_iov=iovec(), msg_iovlen=2**64 - 1),
        ValueError,
        "msg_iov has only 16 bytes",
    ),
    Wrong(
        "msg_namelen past msg_name",
        lambda: msghdr(msg_name=sockaddr_in(), msg_namelen=17),
        ValueError,
        "msg_namelen is 17, and .*msg_name has only 16 bytes",
    ),
    Wrong(
        "msg_controllen past msg_control",
        lambda: msghdr(msg_control=bytearray(8), msg_controllen=9),
        ValueError,
        "msg_controllen is 9, and .*msg_control has only 8 bytes",
    ),
    Wrong(
        "iov_base is an address of nothing",
        lambda: msghdr(msg_iov=forged(), msg_iovlen=1),
        ValueError,
        "iov_base holds an address that no object was assigned for",
    ),
    Wrong(
        "msg_iov is bytes with an address",
        lambda: msghdr(msg_iov=bytes(iovec(bytearray(8), 8)), msg_iovlen=1),
        ValueError,
        "iov_base holds an address that no object was assigned for",
    ),
    Wrong(
        "a copy of the bytes of a msghdr",
        lambda: msghdr.from_buffer_copy(bytes(msghdr(msg_name=bytearray(16)))),
        ValueError,
        "msg_name holds an address that no object was assigned for",
    ),
]
if not PYPY:  # which has no ctypes.resize
    WRONG.append(Wrong("iov_base was resized", resized, ValueError, "leads to a c_char_Array_100 that .*resize moved"))
READ_ONLY = [
    ("iov_base", lambda: msghdr(msg_iov=iovec(b"abc", 3), msg_iovlen=1)),
    ("msg_name", lambda: msghdr(msg_name=b"abc", msg_namelen=3)),
    ("msg_control", lambda: msghdr(msg_control=b"abc", msg_controllen=3)),
]
CALLS: dict[str, Callable[[Any, Any], int]] = {
    "sendmsg": lambda api, header: api.sendmsg(FD, header, 0),
    "recvmsg": lambda api, header: api.recvmsg(FD, header, 0),
    "sendmmsg": lambda api, header: api.sendmmsg(FD, batch(api, msghdr(), header), 2, 0),
    "recvmmsg": lambda api, header: api.recvmmsg(FD, batch(api, msghdr(), header), 2, 0, None),
}
each_call = pytest.mark.parametrize("call", CALLS)


@pytest.fixture(params=["c", "python", "stdlib"])
def side(request: pytest.FixtureRequest) -> Any:
    return request.getfixturevalue("c_api") if request.param == "c" else load(request.param)


def untouched(api: Any, call: Callable[[], object], error: type[Exception], text: str) -> None:
    api.socket(-2, 1, 0)
    assert api.get_errno() == api.EAFNOSUPPORT
    with pytest.raises(error, match=text):
        call()
    assert api.get_errno() == api.EAFNOSUPPORT


@each_call
@pytest.mark.parametrize("wrong", WRONG, ids=str)
def test_structure_that_leads_too_far_raises_before_any_call(call: str, wrong: Wrong, side: Any) -> None:
    header = wrong.make()
    untouched(side, lambda: CALLS[call](side, header), wrong.error, wrong.message)


@pytest.mark.parametrize("call", ["recvmsg", "recvmmsg"])
@pytest.mark.parametrize(("name", "make"), READ_ONLY, ids=[name for name, _ in READ_ONLY])
def test_memory_that_a_call_writes_is_writable(call: str, name: str, make: Callable[[], Any], side: Any) -> None:
    header = make()
    untouched(
        side, lambda: CALLS[call](side, header), TypeError, f"{name} must be writable, and this bytes is read-only"
    )


@pytest.mark.parametrize("vlen", [3, 2**32 - 1])
def test_vlen_past_the_array(vlen: int, side: Any) -> None:
    text = f"is {vlen * 64}, and msgvec has only 128 bytes"
    for call in (lambda m: side.sendmmsg(FD, m, vlen, 0), lambda m: side.recvmmsg(FD, m, vlen, 0, None)):
        untouched(side, lambda call=call: call((mmsghdr * 2)()), ValueError, text)
    untouched(
        side, lambda: side.sendmsg(FD, (msghdr * 0)(), 0), ValueError, "^sizeof.struct msghdr. is 56, and msg has"
    )


@pytest.mark.parametrize(
    ("thing", "kind"),
    [
        (bytearray(64), "bytearray"),
        (7, "int"),
        ("text", "str"),
        (iovec(), "iovec"),
        (memoryview(bytearray(64)), "memo"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_is_no_message(thing: Any, kind: str, side: Any) -> None:
    one, many = f"msg must be a msghdr, an array of them or None, not {kind}", "msgvec must be a mmsghdr"
    untouched(side, lambda: side.sendmsg(FD, thing, 0), TypeError, one)
    untouched(side, lambda: side.recvmsg(FD, thing, 0), TypeError, one)
    untouched(side, lambda: side.sendmmsg(FD, thing, 1, 0), TypeError, many)
    untouched(side, lambda: side.recvmmsg(FD, thing, 1, 0, None), TypeError, many)


@pytest.mark.parametrize("timeout", [1, 1.5, bytearray(16)], ids=repr)
def test_what_is_no_time(timeout: Any, api: Any) -> None:
    untouched(api, lambda: api.recvmmsg(FD, None, 0, 0, timeout), TypeError, "timeout must be a timespec or None, not")


def test_control_messages_that_hold_addresses(side: Any) -> None:
    """RDS_CMSG_RDMA_ARGS makes the kernel read and write where its data say (linux/rds.h)."""
    for control in (controls(side, (276, 1, bytes(48))), controls(side, (1, 99, bytes(4)), (276, 6, bytes(64)))):
        header = message(side, b"x", control=control)
        untouched(side, lambda header=header: side.sendmsg(FD, header, 0), ValueError, "SOL_RDS make the kernel use")
        untouched(
            side, lambda header=header: side.sendmmsg(FD, batch(side, header), 1, 0), ValueError, "SOL_RDS make the"
        )


@pytest.mark.skipif(lacking("slices") is not None, reason=str(lacking("slices")))
def test_vlen_past_a_slice(side: Any) -> None:
    untouched(side, lambda: side.sendmmsg(FD, memoryview((mmsghdr * 2)())[1:], 2, 0), ValueError, "only 64 bytes")


# --- what a call leaves behind ---

frees_at_once = pytest.mark.skipif(sys.implementation.name == "pypy", reason="PyPy lets go of an object when it likes")


@frees_at_once
def test_nothing_is_held_after_the_structures_are_gone(sockets: Sockets) -> None:
    api, (sender, receiver) = sockets.api, sockets.pair("SOCK_DGRAM")
    data, room = bytearray(b"data"), bytearray(4)
    told, heard = batch(api, message(api, data)), message(api, room)
    assert api.sendmmsg(sender, told, 1, 0) == 1
    assert api.recvmsg(receiver, heard, 0) == 4
    del told, heard
    gc.collect()
    data.extend(room)
    room.extend(data)
    assert data == b"datadata"


@frees_at_once
def test_a_pointer_that_was_assigned_anew_holds_nothing(sockets: Sockets) -> None:
    api, (sender, _) = sockets.api, sockets.pair("SOCK_DGRAM")
    data, vector = bytearray(b"data"), iovec()
    vector.iov_base, vector.iov_len = data, 4
    header = msghdr(msg_iov=vector, msg_iovlen=1)
    assert api.sendmsg(sender, header, 0) == 4
    with pytest.raises(BufferError):
        data.append(0)
    vector.iov_base = b"other"
    data.append(0)
    assert api.sendmsg(sender, header, 0) == 4


CHANGES: dict[str, tuple[Callable[[Any, Any], Any], bytes]] = {
    "contents": (lambda header, vector: vector.iov_base.__setitem__(0, ord("J")), b"Jello"),
    "a length": (lambda header, vector: setattr(vector, "iov_len", 4), b"hell"),
    "an object": (lambda header, vector: setattr(vector, "iov_base", b"world"), b"world"),
    "the array": (lambda header, vector: setattr(header, "msg_iov", iovec(b"again", 5)), b"again"),
    "the count": (lambda header, vector: setattr(header, "msg_iovlen", 0), b""),
    "a part of a larger object": (lambda header, vector: setattr(vector, "iov_base", memoryview(LONG)[2:]), b"ngers"),
}
LONG = bytearray(b"longersize")


@pytest.mark.parametrize(("change", "heard"), CHANGES.values(), ids=CHANGES)
def test_the_next_call_sees_what_changed(change: Callable[[Any, Any], Any], heard: bytes, sockets: Sockets) -> None:
    """Structures that were used before are compared, not believed."""
    api, (sender, receiver) = sockets.api, sockets.pair("SOCK_DGRAM")
    vector = iovec(bytearray(b"hello"), 5)
    told = (mmsghdr * 1)()
    told[0].msg_hdr.msg_iov, told[0].msg_hdr.msg_iovlen = vector, 1
    for expected in (b"hello", b"hello", heard):
        if expected is heard:
            change(told[0].msg_hdr, vector)
        assert api.sendmmsg(sender, told, 1, 0) == 1
        assert lengths(told) == [len(expected)]
        room = bytearray(16)
        assert api.recv(receiver, room, 16, 0) == len(expected)
        assert room[: len(expected)] == expected


def test_the_next_call_checks_what_changed(sockets: Sockets) -> None:
    api, (sender, _) = sockets.api, sockets.pair("SOCK_DGRAM")
    vector = iovec(bytearray(b"hello"), 5)
    header = msghdr(msg_iov=vector, msg_iovlen=1)
    assert api.sendmsg(sender, header, 0) == 5
    vector.iov_len = 6
    with pytest.raises(ValueError, match="iov_len is 6"):
        api.sendmsg(sender, header, 0)
    vector.iov_len, header.msg_iovlen = 5, 2
    with pytest.raises(ValueError, match="msg_iov has only 16 bytes"):
        api.sendmsg(sender, header, 0)
    vector.iov_base = bytearray(4)
    header.msg_iovlen = 1
    with pytest.raises(ValueError, match="iov_base has only 4 bytes"):
        api.sendmsg(sender, header, 0)


@pytest.mark.skipif(PYPY, reason="PyPy has no ctypes.resize")
@pytest.mark.parametrize("which", ["the memory", "the array"])
def test_the_next_call_checks_what_moved(which: str, sockets: Sockets) -> None:
    api, (sender, _) = sockets.api, sockets.pair("SOCK_DGRAM")
    room, array = (ctypes.c_char * 100)(), (iovec * 10)()
    array[0].iov_base, array[0].iov_len = room, 5
    header = msghdr(msg_iov=array, msg_iovlen=1)
    assert api.sendmsg(sender, header, 0) == 5
    ctypes.resize(room if which == "the memory" else array, 2**20)
    with pytest.raises(ValueError, match=r"that ctypes\.resize moved: assign it again"):
        api.sendmsg(sender, header, 0)


@pytest.mark.skipif(sys.version_info < (3, 12), reason="PEP 688: __buffer__ came with Python 3.12")
def test_an_object_has_the_memory_that_it_had_when_it_was_assigned(sockets: Sockets) -> None:
    class Growing:
        block = bytearray(8)

        def __buffer__(self, flags: int) -> memoryview:
            return memoryview(self.block)

    api, (sender, receiver) = sockets.api, sockets.pair("SOCK_DGRAM")
    growing = Growing()
    vector = iovec(growing, 8)
    growing.block = bytearray(100)
    vector.iov_len = 100
    with pytest.raises(ValueError, match=r"iov_len is 100, and .*iov_base has only 8 bytes"):
        api.recvmsg(receiver, msghdr(msg_iov=vector, msg_iovlen=1), 0)
    vector.iov_len = 8
    assert api.send(sender, b"received", 8, 0) == 8
    assert api.recvmsg(receiver, msghdr(msg_iov=vector, msg_iovlen=1), 0) == 8
    assert (Growing.block, growing.block) == (b"received", bytes(100))


def test_a_length_that_the_kernel_wrote_is_checked(sockets: Sockets) -> None:
    """recvmsg(2) reports the whole length of an address that it cut: the next call may not use it."""
    api, (fd, address) = sockets.api, sockets.bound("AF_INET", "SOCK_DGRAM")
    sender = sockets.client(address, "AF_INET", "SOCK_DGRAM")
    header = message(api, bytearray(1), to=(bytearray(4), 4))
    for _ in range(2):
        assert api.send(sender, b"x", 1, 0) == 1
    assert api.recvmsg(fd, header, 0) == 1
    assert header.msg_namelen == 16
    with pytest.raises(ValueError, match="msg_namelen is 16, and msg_name has only 4 bytes"):
        api.recvmsg(fd, header, 0)


def test_lengths_come_back_for_each_message_again_and_again(sockets: Sockets) -> None:
    """A length that one call made shorter is as the program sets it for the next."""
    api, (sender, receiver) = sockets.api, sockets.pair("SOCK_DGRAM")
    plain, with_rights = message(api, b"a"), message(api, b"bb", control=rights(api, sender))
    heard = batch(api, *[message(api, bytearray(8), control=bytearray(32)) for _ in range(3)])
    for told, expected, used in (
        (batch(api, plain, with_rights), [1, 2, 0], [0, 24, 32]),
        (batch(api, with_rights, plain), [2, 1, 0], [24, 0, 32]),
    ):
        for element in heard:
            element.msg_hdr.msg_controllen = 32
        assert api.sendmmsg(sender, told, 2, 0) == 2
        assert api.recvmmsg(receiver, heard, 3, api.MSG_DONTWAIT, None) == 2
        assert (lengths(heard), [element.msg_hdr.msg_controllen for element in heard]) == (expected, used)
        for element in heard[:2]:
            for fd in descriptors(api, element.msg_hdr):
                sockets.own(fd)


def test_a_call_that_fails_leaves_what_the_last_one_wrote(sockets: Sockets) -> None:
    """recvmmsg(2) writes nothing when it returns -1."""
    api, (sender, receiver) = sockets.api, sockets.pair("SOCK_DGRAM")
    heard = batch(api, message(api, bytearray(2)), message(api, bytearray(2)))
    for text in (b"a", b"bcd"):
        assert api.send(sender, text, len(text), 0) == len(text)
    assert api.recvmmsg(receiver, heard, 2, api.MSG_DONTWAIT, None) == 2
    for _ in range(2):
        assert (lengths(heard), heard[1].msg_hdr.msg_flags) == ([1, 2], api.MSG_TRUNC)
        assert api.recvmmsg(receiver, heard, 2, api.MSG_DONTWAIT, None) == -1


# --- other threads ---


def waiting_in_a_call(work: Callable[[], object]) -> threading.Thread:
    """A thread that does `work`, once it sleeps in the kernel."""
    thread = threading.Thread(target=work)
    thread.start()
    path = Path(f"/proc/self/task/{thread.native_id}/syscall")
    while not path.read_text().startswith(("47 ", "299 ")):  # recvmsg, recvmmsg (asm/unistd_64.h)
        os.sched_yield()
    return thread


@pytest.mark.skipif(os.uname().machine != "x86_64", reason="system calls have other numbers")
@pytest.mark.parametrize("call", ["recvmsg", "recvmmsg"])
def test_what_another_thread_does_to_the_structures_is_nothing_to_a_call(call: str, sockets: Sockets) -> None:
    """The bytes go to the memory that was there when the call began; all of it is held until the call ends."""
    api, (sender, receiver) = sockets.api, sockets.pair("SOCK_DGRAM")
    first, second = bytearray(8), bytearray(8)
    vector = (iovec * 1)(iovec(first, 8))
    many = (mmsghdr * 1)()
    header = many[0].msg_hdr
    header.msg_iov, header.msg_iovlen = vector, 1
    results: list[int] = []
    if call == "recvmsg":
        thread = waiting_in_a_call(lambda: results.append(api.recvmsg(receiver, header, 0)))
    else:
        thread = waiting_in_a_call(lambda: results.append(api.recvmmsg(receiver, many, 1, 0, None)))
    vector[0].iov_base, vector[0].iov_len = second, 8
    header.msg_iov = None
    header.msg_iovlen = 0
    with pytest.raises(BufferError):
        first.extend(b"it would move")
    assert api.send(sender, b"arrived", 7, 0) == 7
    thread.join()
    assert results == [7 if call == "recvmsg" else 1]
    assert (first, second) == (bytearray(b"arrived\0"), bytearray(8))
    assert header.msg_iov is None


@pytest.mark.skipif(os.uname().machine != "x86_64", reason="system calls have other numbers")
def test_a_length_that_another_thread_raises_is_not_used(sockets: Sockets) -> None:
    """The kernel reads msg_namelen again when it has a datagram (move_addr_to_user)."""
    api, (fd, address) = sockets.api, sockets.bound("AF_INET", "SOCK_DGRAM")
    sender = sockets.client(address, "AF_INET", "SOCK_DGRAM")
    memory = bytearray(b"\xff" * 16)
    header = message(api, bytearray(1), to=(memoryview(memory)[:4], 4))
    thread = waiting_in_a_call(lambda: api.recvmsg(fd, header, 0))
    header.msg_namelen = 16
    assert api.send(sender, b"x", 1, 0) == 1
    thread.join()
    assert memory[4:] == b"\xff" * 12
    assert memory[:2] != b"\xff\xff"


def test_one_message_in_two_threads(sockets: Sockets) -> None:
    """Each call has a copy of its own, also of structures that were used before."""
    api, (sender, receiver) = sockets.api, sockets.pair("SOCK_DGRAM")
    told, heard = message(api, b"xyz"), message(api, bytearray(3))

    def many(call: Callable[[], int]) -> Callable[[], None]:
        return lambda: results.extend(call() for _ in range(500))

    results: list[int] = []
    threads = [threading.Thread(target=many(lambda: api.sendmsg(sender, told, 0))) for _ in range(2)]
    threads += [threading.Thread(target=many(lambda: api.recvmsg(receiver, heard, 0))) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == [3] * 2000


# --- what the fallback worked out ---


def test_what_is_emulated(sockets: Sockets) -> None:
    api, (sender, receiver) = sockets.api, sockets.pair("SOCK_DGRAM")
    worked_out = api.name == "python"
    told, heard = message(api, b"x"), message(api, bytearray(1))
    assert (api.sendmsg(sender, told, 0), api.emulated()) == (1, False)
    assert (api.recvmsg(receiver, heard, 0), api.emulated()) == (1, False)
    assert (api.sendmmsg(sender, batch(api, told), 1, 0), api.emulated()) == (1, worked_out)
    assert (api.recvmmsg(receiver, batch(api, heard), 1, 0, None), api.emulated()) == (1, worked_out)
    assert (api.sendmsg(sender, None, 0), api.emulated()) == (-1, worked_out)
    assert api.get_errno() == api.EFAULT


def test_what_the_fallback_cannot_say(python_api: Any, tmp_path: Path) -> None:
    api, sockets = python_api, Sockets(python_api, tmp_path)
    sender, receiver = sockets.pair("SOCK_DGRAM")
    control = rights(api, sender)
    cmsghdr.from_buffer(control).cmsg_len = 15
    with pytest.raises(NotImplementedError, match="writes cmsg_len itself"):
        api.sendmsg(sender, message(api, b"x", control=control), 0)
    heard = batch(api, message(api, bytearray(1)), msghdr(msg_iovlen=1))
    assert [api.send(sender, b"x", 1, 0) for _ in range(2)] == [1, 1]
    with pytest.raises(NotImplementedError, match="leaves an error after some messages to the next call"):
        api.recvmmsg(receiver, heard, 2, 0, None)
    sockets.close_all()


@pytest.mark.parametrize("name", ["sendmmsg", "recvmmsg"])
def test_the_stdlib_sends_one_message_at_a_time(name: str) -> None:
    api: Any = load("stdlib")
    with pytest.raises(NotImplementedError, match=f"socket has no {name}"):
        getattr(api, name)(FD, None, 0, 0, *[None] * (name == "recvmmsg"))


# --- control messages ---


@pytest.mark.parametrize("length", [0, 1, 4, 7, 8, 9, 1024, 2**20])
def test_lengths_are_those_of_cmsg_3(length: int, api: Any) -> None:
    """cmsg_len counts the header of 16 bytes and the data, the room also what aligns the next header to 8."""
    if sizeof(ctypes.c_size_t) != 8:
        pytest.skip("headers are shorter here")
    assert api.CMSG_LEN(length) == 16 + length
    assert api.CMSG_SPACE(length) == 16 + (length + 7) // 8 * 8


def carrier(control: Any, length: int | None = None) -> Any:
    return msghdr(msg_control=control, msg_controllen=len(control) if length is None else length)


def test_headers_share_the_memory(api: Any) -> None:
    control = bytearray(48)
    header = carrier(control)
    first = api.CMSG_FIRSTHDR(header)
    first.cmsg_len, first.cmsg_level, first.cmsg_type = api.CMSG_LEN(4), 1, 2
    api.CMSG_DATA(first)[:4] = b"data"
    assert control[:20] == struct.pack("=Qii", 20, 1, 2) + b"data"
    second = api.CMSG_NXTHDR(header, first)
    second.cmsg_len = api.CMSG_LEN(8)
    assert control[24:32] == struct.pack("=Q", 24)
    assert len(api.CMSG_DATA(second)) == 8
    assert api.CMSG_NXTHDR(header, second) is None
    with pytest.raises(BufferError):
        control.append(0)


@pytest.mark.parametrize("length", [0, 15])
def test_no_room_for_a_header(length: int, api: Any) -> None:
    assert api.CMSG_FIRSTHDR(carrier(bytearray(64), length)) is None
    assert api.CMSG_FIRSTHDR(msghdr(msg_controllen=64)) is None


def test_data_end_with_the_control_messages(api: Any) -> None:
    """msg_controllen bounds the data, whatever cmsg_len says and however long the buffer is."""
    control = bytearray(64)
    header = carrier(control, 20)
    first = api.CMSG_FIRSTHDR(header)
    first.cmsg_len = 2**64 - 1
    assert len(api.CMSG_DATA(first)) == 4
    assert api.CMSG_NXTHDR(header, first) is None


def test_headers_that_are_elsewhere(api: Any) -> None:
    control, other = bytearray(64), carrier(bytearray(64))
    foreign, header = api.CMSG_FIRSTHDR(other), carrier(control)
    for cmsg in (foreign, cmsghdr(), cmsghdr.from_buffer(control, 48)):
        if cmsg is not foreign:
            with pytest.raises(ValueError, match="in no control buffer"):
                api.CMSG_DATA(cmsg)
        with pytest.raises(ValueError, match="cmsg is not a header in the first msg_controllen bytes"):
            api.CMSG_NXTHDR(carrier(control, 32), cmsg)
    with pytest.raises(ValueError, match="msg_controllen is 65, and msg_control has only 64 bytes"):
        api.CMSG_FIRSTHDR(carrier(control, 65))
    with pytest.raises(TypeError, match="msg_control must be writable"):
        api.CMSG_FIRSTHDR(carrier(b"read only memory"))
    for call in (lambda: api.CMSG_FIRSTHDR(control), lambda: api.CMSG_NXTHDR(header, None), lambda: api.CMSG_DATA(7)):
        with pytest.raises(TypeError, match="must be a"):
            call()


WALK = r"""
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
int main(void)
{
    unsigned length;
    while (fread(&length, sizeof length, 1, stdin) == 1) {
        unsigned char *control = malloc(length + 1); /* where it ends, the sanitizer watches */
        if (fread(control, 1, length, stdin) != length) return 1;
        control = realloc(control, length ? length : 1);
        struct msghdr message = {.msg_control = control, .msg_controllen = length};
        for (struct cmsghdr *cmsg = CMSG_FIRSTHDR(&message); cmsg; cmsg = CMSG_NXTHDR(&message, cmsg))
            printf("%zu:%zu ", (size_t)((unsigned char *)cmsg - control), (size_t)(CMSG_DATA(cmsg) - control));
        printf("\n");
        free(control);
    }
    return 0;
}
"""


@pytest.fixture(scope="module")
def walk(tmp_path_factory: pytest.TempPathFactory) -> Callable[[list[bytes]], list[list[tuple[int, int]]]]:
    """The macros of this system's headers, in a program of their own: the places of headers and data in each buffer."""
    compiler = shutil.which("gcc")
    if compiler is None:
        pytest.skip("there is no gcc to ask what C's macros do")
    directory = tmp_path_factory.mktemp("walk")
    (directory / "walk.c").write_text(WALK)
    subprocess.run([compiler, "-O2", "walk.c", "-o", "walk"], cwd=directory, check=True)

    def walk(buffers: list[bytes]) -> list[list[tuple[int, int]]]:
        fed = b"".join(struct.pack("=I", len(buffer)) + buffer for buffer in buffers)
        output = subprocess.run([directory / "walk"], input=fed, capture_output=True, check=True).stdout.decode()
        return [
            [(int(header), int(data)) for header, _, data in (place.partition(":") for place in line.split())]
            for line in output.splitlines()
        ]

    if walk([struct.pack("=QiiQii", 16, 1, 1, 99, 1, 1)]) != [[(0, 16), (16, 32)]]:
        pytest.skip("this libc's CMSG_NXTHDR follows a length before it checks it")
    return walk


def malformed(seed: int) -> list[bytes]:
    """Control buffers with lengths that are right, nearly right, and absurd."""
    chance = random.Random(seed)
    odd = [0, 1, 15, 16, 17, 20, 23, 24, 31, 32, 33, 2**31, 2**32, 2**63, 2**64 - 8, 2**64 - 1]
    buffers = []
    for _ in range(300):
        buffer = bytearray(chance.randbytes(chance.choice([0, 15, 16, 17, 24, 40, 64, 71, 128])))
        for at in range(0, len(buffer) - 15, 8):
            length = chance.choice([*odd, len(buffer) - at, len(buffer) - at + 1, len(buffer) - at - 16])
            buffer[at : at + 8] = struct.pack("=Q", length % 2**64)
        buffers.append(bytes(buffer))
    return buffers


@pytest.mark.parametrize("seed", range(5))
def test_malformed_lengths_are_walked_as_the_macros_do(
    seed: int, api: Any, walk: Callable[[list[bytes]], list[list[tuple[int, int]]]]
) -> None:
    buffers = malformed(seed)
    for buffer, expected in zip(buffers, walk(buffers), strict=True):
        # Behind the control messages lies what looks like more of them.
        memory = bytearray(buffer + struct.pack("=Qii", 16, 1, 1) * 4)
        header = carrier(memory, len(buffer))
        start = ctypes.addressof(ctypes.c_char.from_buffer(memory))
        places, cmsg = [], api.CMSG_FIRSTHDR(header)
        while cmsg is not None:
            data = api.CMSG_DATA(cmsg)
            places.append((ctypes.addressof(cmsg) - start, len(buffer) - len(data)))
            cmsg = api.CMSG_NXTHDR(header, cmsg)
        assert places == expected, buffer


def test_received_control_messages_end_where_their_length_says(sockets: Sockets) -> None:
    api, (sender, receiver) = sockets.api, sockets.pair()
    assert api.sendmsg(sender, message(api, b"x", control=rights(api, sender, receiver)), 0) == 1
    header = message(api, bytearray(1), control=bytearray(b"\xff" * 64))
    assert api.recvmsg(receiver, header, 0) == 1
    ((level, type, data),) = received(api, header)
    assert (level, type, len(data)) == (api.SOL_SOCKET, api.SCM_RIGHTS, 8)
    assert bytes(header.msg_control[24:]) == b"\xff" * 40
    for fd in descriptors(api, header):
        sockets.own(fd)


def test_time_that_is_left(sockets: Sockets) -> None:
    api, (sender, receiver) = sockets.api, sockets.pair("SOCK_DGRAM")
    assert api.send(sender, b"x", 1, 0) == 1
    timeout = timespec(tv_sec=1000)
    assert api.recvmmsg(receiver, batch(api, message(api, bytearray(1))), 1, 0, timeout) == 1
    assert timeout.tv_sec == 999
    assert 0 < timeout.tv_nsec < 10**9
