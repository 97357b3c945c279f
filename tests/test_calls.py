"""What the calls do when they succeed: the same on both backends, down to every byte and flag."""

from __future__ import annotations

import fcntl
import gc
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from conftest import Sockets

from pysock_raw import Inexpressible

FAMILIES = ("AF_INET", "AF_INET6", "AF_UNIX")
LENGTHS = {"AF_INET": 16, "AF_INET6": 28}
each_family = pytest.mark.parametrize("family", FAMILIES)


def in_thread(function: Callable[..., Any], *args: Any) -> tuple[threading.Thread, list[Any]]:
    """Start function in a thread; its result will be in the list."""
    results: list[Any] = []
    thread = threading.Thread(target=lambda: results.append(function(*args)), daemon=True)
    thread.start()
    return thread, results


def read(api: Any, fd: int, size: int = 64) -> bytes:
    buffer = bytearray(size)
    count = api.read(fd, buffer, size)
    assert count >= 0, api.strerror(api.get_errno())
    return bytes(buffer[:count])


def raw_name(family: str, sock: socket.socket) -> bytes:
    """The sockaddr of a bound socket by ip(7), ipv6(7) and unix(7), from what Python's socket says of it."""
    if family == "AF_UNIX":
        return socket.AF_UNIX.to_bytes(2, sys.byteorder) + os.fsencode(sock.getsockname()) + b"\0"
    host, port, *_ = sock.getsockname()
    begin = getattr(socket, family).to_bytes(2, sys.byteorder) + port.to_bytes(2, "big")
    packed = socket.inet_pton(getattr(socket, family), host)
    return begin + packed + bytes(8) if family == "AF_INET" else begin + bytes(4) + packed + bytes(4)


# --- conversations ---


@each_family
def test_stream_conversation(family: str, sockets: Sockets) -> None:
    api = sockets.api
    listener, address = sockets.listener(family)
    client = sockets.client(address, family)
    server = sockets.own(api.accept(listener, None, None))
    assert api.send(client, b"hello", 5, 0) == 5
    assert api.write(client, b", world", 7) == 7
    assert api.shutdown(client, api.SHUT_WR) == 0
    received = bytearray(12)
    assert api.recv(server, received, 12, api.MSG_WAITALL) == 12
    assert received == b"hello, world"
    assert api.recv(server, received, 12, 0) == 0  # the end of the stream
    assert api.send(server, b"bye", 3, 0) == 3
    assert read(api, client) == b"bye"


@each_family
def test_datagram_conversation(family: str, sockets: Sockets) -> None:
    api = sockets.api
    server, server_address = sockets.bound(family, "SOCK_DGRAM")
    client, client_address = sockets.bound(family, "SOCK_DGRAM")
    assert api.sendto(client, b"question", 8, 0, server_address, api.sizeof(server_address)) == 8
    sender, length, buffer = type(client_address)(), api.socklen_t(api.sizeof(client_address)), bytearray(64)
    assert api.recvfrom(server, buffer, 64, 0, sender, length) == 8
    assert buffer[:8] == b"question"
    assert bytes(sender) == bytes(client_address)
    assert api.sendto(server, b"answer", 6, 0, sender, length.value) == 6
    assert api.recvfrom(client, buffer, 64, 0, None, None) == 6
    assert buffer[:6] == b"answer"


@each_family
def test_connected_datagrams(family: str, sockets: Sockets) -> None:
    api = sockets.api
    server, address = sockets.bound(family, "SOCK_DGRAM")
    client = sockets.client(address, family, "SOCK_DGRAM")
    assert api.send(client, b"one", 3, 0) == 3
    assert api.send(client, b"", 0, 0) == 0  # a datagram too
    assert api.sendto(client, b"two", 3, 0, None, 0) == 3
    assert [read(api, server) for _ in range(3)] == [b"one", b"", b"two"]


@each_family
def test_talks_to_pythons_own_sockets(family: str, sockets: Sockets) -> None:
    """The same bytes and addresses arrive, whoever is on the other side."""
    api, listener, address = sockets.api, *sockets.listener(family)
    with socket.socket(getattr(socket, family)) as client:
        client.connect(python_address(api, family, address))
        server = sockets.own(api.accept(listener, None, None))
        client.sendall(b"ping")
        assert read(api, server) == b"ping"
        assert api.write(server, b"pong", 4) == 4
        assert client.recv(64) == b"pong"


def python_address(api: Any, family: str, address: Any) -> Any:
    if family == "AF_UNIX":
        return address.sun_path
    if family == "AF_INET6":
        return "::1", api.ntohs(address.sin6_port)
    return "127.0.0.1", api.ntohs(address.sin_port)


def test_abstract_name(sockets: Sockets) -> None:
    """unix(7): an abstract name is as long as addrlen says, NULs included."""
    api = sockets.api
    name = b"\0" + os.fsencode(sockets.directory.name)[-20:] + str(os.getpid()).encode() + b"\0x"
    address = api.sockaddr_un(sun_family=api.AF_UNIX, sun_path=name)
    fd = sockets.socket("AF_UNIX")
    assert api.bind(fd, address, 2 + len(name)) == 0
    assert api.listen(fd, 1) == 0
    client = sockets.socket("AF_UNIX")
    assert api.connect(client, address, 2 + len(name)) == 0
    got, length = api.sockaddr_un(), api.socklen_t(110)
    assert api.getpeername(client, got, length) == 0
    assert (length.value, bytes(got)[2 : length.value]) == (2 + len(name), name)
    shorter = sockets.socket("AF_UNIX")
    assert api.connect(shorter, address, len(name)) == -1  # another name
    assert api.get_errno() == api.ECONNREFUSED


def test_autobind(sockets: Sockets) -> None:
    """unix(7): a bind with the family alone takes a free abstract name of five hexadecimal digits."""
    api, fd = sockets.api, sockets.socket("AF_UNIX")
    assert api.bind(fd, api.sockaddr_un(sun_family=api.AF_UNIX), 2) == 0
    got, length = api.sockaddr_un(), api.socklen_t(110)
    assert api.getsockname(fd, got, length) == 0
    assert length.value == 2 + 1 + 5
    assert int(got.sun_path[1:], 16) >= 0


def test_path_without_its_nul(sockets: Sockets) -> None:
    """unix(7): addrlen may leave the terminating NUL out; the kernel adds it to what it reports."""
    api, fd, address = sockets.api, sockets.socket("AF_UNIX"), sockets.address("AF_UNIX")
    assert api.bind(fd, address, 2 + len(address.sun_path)) == 0
    got, length = api.sockaddr_un(), api.socklen_t(110)
    assert api.getsockname(fd, got, length) == 0
    assert (got.sun_path, length.value) == (address.sun_path, 2 + len(address.sun_path) + 1)


# --- addresses that come back ---


def accepted(s: Sockets, family: str, address: Any, length: Any) -> tuple[int, bytes]:
    listener, there = s.listener(family)
    client, name = s.bound(family)
    assert s.api.connect(client, there, s.api.sizeof(there)) == 0
    result = s.api.accept(listener, address, length)
    s.own(result)
    return result, name


def received(s: Sockets, family: str, address: Any, length: Any) -> tuple[int, bytes]:
    server, there = s.bound(family, "SOCK_DGRAM")
    client, name = s.bound(family, "SOCK_DGRAM")
    assert s.api.sendto(client, b"x", 1, 0, there, s.api.sizeof(there)) == 1
    return s.api.recvfrom(server, bytearray(1), 1, 0, address, length), name


def own_name(s: Sockets, family: str, address: Any, length: Any) -> tuple[int, bytes]:
    fd, name = s.bound(family)
    return s.api.getsockname(fd, address, length), name


def peer_name(s: Sockets, family: str, address: Any, length: Any) -> tuple[int, bytes]:
    _, name = s.listener(family)
    return s.api.getpeername(s.client(name, family), address, length), name


@pytest.mark.parametrize("room", [0, 1, 2, 3, 8, 15, 16, 20, 27, 28, 110, 128])
@each_family
@pytest.mark.parametrize("call", [accepted, received, own_name, peer_name], ids=lambda call: call.__name__)
def test_address_is_cut_to_its_room(call: Any, family: str, room: int, sockets: Sockets) -> None:
    """accept(2): the address is truncated if the buffer is too small; addrlen then returns more than was given."""
    buffer, length = bytearray(b"\xee" * 130), sockets.api.socklen_t(room)
    result, name = call(sockets, family, buffer, length)
    assert result >= 0
    whole = bytes(name)[: LENGTHS.get(family)]
    if family == "AF_UNIX":
        whole = whole.rstrip(b"\0") + b"\0"
    cut = whole[:room]
    assert bytes(buffer) == cut + b"\xee" * (130 - len(cut))
    assert length.value == len(whole)


@each_family
def test_address_is_the_one_that_python_sees(family: str, sockets: Sockets) -> None:
    with socket.socket(getattr(socket, family)) as other:
        other.bind(python_address(sockets.api, family, sockets.address(family)))
        buffer, length = bytearray(128), sockets.api.socklen_t(128)
        assert sockets.api.getsockname(other.fileno(), buffer, length) == 0
        assert bytes(buffer[: length.value]) == raw_name(family, other)


def test_nobody_asked_for_the_address(sockets: Sockets) -> None:
    """accept(2): when addr is NULL nothing is filled in, and addrlen is not used."""
    length = sockets.api.socklen_t(5)
    sockets.own(sockets.api.accept(sockets.pending(), None, length))
    assert length.value == 5


def test_unnamed_peer(sockets: Sockets) -> None:
    """unix(7): the address of an unnamed socket is its family alone."""
    api, buffer, length = sockets.api, bytearray(b"\xee" * 8), sockets.api.socklen_t(8)
    sockets.own(api.accept(sockets.pending("AF_UNIX"), buffer, length))
    assert (length.value, bytes(buffer)) == (2, b"\1\0" + b"\xee" * 6)


@pytest.mark.parametrize("kind", ["SOCK_STREAM", "SOCK_DGRAM"])
def test_recvfrom_without_an_address_to_give(kind: str, sockets: Sockets) -> None:
    api, (writer, reader) = sockets.api, sockets.pair(kind)
    buffer, length = bytearray(b"\xee" * 16), api.socklen_t(16)
    assert api.write(writer, b"x", 1) == 1
    assert api.recvfrom(reader, bytearray(1), 1, 0, buffer, length) == 1
    assert (length.value, bytes(buffer)) == (0, b"\xee" * 16)


# --- binding ---


def test_wildcard_and_port_zero(sockets: Sockets) -> None:
    """ip(7): INADDR_ANY binds to all interfaces, and a port of 0 is replaced by a free one."""
    api, address = sockets.api, sockets.api.sockaddr_in(sin_family=sockets.api.AF_INET)
    address.sin_addr.s_addr = api.htonl(api.INADDR_ANY)
    fd = sockets.socket()
    assert api.bind(fd, address, 16) == 0
    assert api.listen(fd, 1) == 0
    assert api.getsockname(fd, address, api.socklen_t(16)) == 0
    assert address.sin_addr.s_addr == 0
    assert api.ntohs(address.sin_port) > 0
    sockets.client(sockets.address("AF_INET", api.ntohs(address.sin_port)))


def test_wildcard_with_af_unspec(sockets: Sockets) -> None:
    """Linux takes AF_UNSPEC for AF_INET in bind, if the address is the wildcard (__inet_bind)."""
    api, fd = sockets.api, sockets.socket()
    assert api.bind(fd, api.sockaddr_in(sin_family=api.AF_UNSPEC), 16) == 0
    assert api.getsockname(fd, address := api.sockaddr_in(), api.socklen_t(16)) == 0
    assert (address.sin_family, address.sin_addr.s_addr) == (api.AF_INET, 0)


def test_longer_address_than_needed(sockets: Sockets) -> None:
    api, fd = sockets.api, sockets.socket()
    storage = bytes(sockets.address()).ljust(128, b"\xff")
    assert api.bind(fd, storage, 128) == 0


@pytest.mark.parametrize("reuse", [0, 1])
def test_reuseaddr_binds_beside_a_closed_connection(reuse: int, sockets: Sockets) -> None:
    """socket(7), SO_REUSEADDR: only with it a server that closed first can start again at once."""
    api, listener, address = sockets.api, sockets.socket(), sockets.address()
    assert api.setsockopt(listener, api.SOL_SOCKET, api.SO_REUSEADDR, api.c_int(1), 4) == 0
    assert api.bind(listener, address, 16) == 0
    assert api.listen(listener, 1) == 0
    assert api.getsockname(listener, address, api.socklen_t(16)) == 0
    client = sockets.client(address)
    for fd in (sockets.own(api.accept(listener, None, None)), client, listener):  # the server's end waits (tcp(7))
        sockets.close(fd)
    again = sockets.socket()
    assert api.setsockopt(again, api.SOL_SOCKET, api.SO_REUSEADDR, api.c_int(reuse), 4) == 0
    assert api.bind(again, address, 16) == (0 if reuse else -1)
    assert reuse or api.get_errno() == api.EADDRINUSE


@pytest.mark.parametrize("backlog", [-1, -(2**31), 2**31 - 1], ids=str)
def test_backlog_as_large_as_can_be(backlog: int, sockets: Sockets) -> None:
    """listen(2): the backlog is capped at somaxconn; the kernel reads a negative one as unsigned. For a listener
    tcp_info has it in tcpi_sacked, after 8 bytes and 6 numbers of 4 (tcp_get_info)."""
    api, (fd, _) = sockets.api, sockets.bound()
    assert api.listen(fd, backlog) == 0
    info, length = bytearray(104), api.socklen_t(104)
    assert api.getsockopt(fd, api.IPPROTO_TCP, api.TCP_INFO, info, length) == 0
    longest = int(Path("/proc/sys/net/core/somaxconn").read_text())
    assert int.from_bytes(info[28:32], sys.byteorder) == longest


# --- options ---


def test_option_there_and_back(sockets: Sockets) -> None:
    api, fd = sockets.api, sockets.socket()
    value, length = api.c_int(1), api.socklen_t(4)
    assert api.setsockopt(fd, api.SOL_SOCKET, api.SO_KEEPALIVE, value, 4) == 0
    value.value = 99
    assert api.getsockopt(fd, api.SOL_SOCKET, api.SO_KEEPALIVE, value, length) == 0
    assert (value.value, length.value) == (1, 4)


def test_option_that_is_a_structure(sockets: Sockets) -> None:
    api, fd = sockets.api, sockets.socket()
    assert api.setsockopt(fd, api.SOL_SOCKET, api.SO_LINGER, api.linger(l_onoff=1, l_linger=7), 8) == 0
    got = api.linger()
    assert api.getsockopt(fd, api.SOL_SOCKET, api.SO_LINGER, got, api.socklen_t(8)) == 0
    assert (got.l_onoff, got.l_linger) == (1, 7)


@pytest.mark.parametrize("room", [0, 1, 2, 4, 8])
def test_option_is_cut_to_its_room(room: int, sockets: Sockets) -> None:
    """getsockopt(2): at most optlen bytes are written; on return optlen is what was."""
    api, fd = sockets.api, sockets.socket()
    buffer, length = bytearray(b"\xee" * 8), api.socklen_t(room)
    assert api.getsockopt(fd, api.SOL_SOCKET, api.SO_TYPE, buffer, length) == 0
    value = api.SOCK_STREAM.to_bytes(4, sys.byteorder)[:room]
    assert bytes(buffer) == value.ljust(8, b"\xee")
    assert length.value == len(value)


def test_option_of_no_bytes(sockets: Sockets) -> None:
    """socket(7), SO_BINDTODEVICE: an empty name removes the binding, also through NULL."""
    api, fd = sockets.api, sockets.socket()
    assert api.setsockopt(fd, api.SOL_SOCKET, api.SO_BINDTODEVICE, b"", 0) == 0
    assert api.setsockopt(fd, api.SOL_SOCKET, api.SO_BINDTODEVICE, None, 0) == 0


def test_pending_error_is_read_once(sockets: Sockets) -> None:
    """socket(7), SO_ERROR: get and clear the pending error."""
    api, fd = sockets.api, sockets.socket()
    _, nobody = sockets.bound()
    os.set_blocking(fd, False)
    assert api.connect(fd, nobody, 16) == -1
    entry = (api.pollfd * 1)(api.pollfd(fd, api.POLLOUT))
    assert api.poll(entry, 1, 10_000) == 1
    value, length = api.c_int(), api.socklen_t(4)
    seen = []
    for _ in range(2):
        assert api.getsockopt(fd, api.SOL_SOCKET, api.SO_ERROR, value, length) == 0
        seen.append(value.value)
    assert seen == [api.ECONNREFUSED, 0]


# --- flags of new descriptors ---


def new_socket(s: Sockets, flags: int) -> list[int]:
    return [s.api.socket(s.api.AF_INET, s.api.SOCK_STREAM | flags, 0)]


def new_pair(s: Sockets, flags: int) -> list[int]:
    ends = (s.api.c_int * 2)()
    assert s.api.socketpair(s.api.AF_UNIX, s.api.SOCK_STREAM | flags, 0, ends) == 0
    return list(ends)


def new_connection(s: Sockets, flags: int) -> list[int]:
    return [s.api.accept4(s.pending(), None, None, flags)]


@pytest.mark.parametrize("flags", ["", "SOCK_CLOEXEC", "SOCK_NONBLOCK", "SOCK_CLOEXEC SOCK_NONBLOCK"])
@pytest.mark.parametrize("make", [new_socket, new_pair, new_connection], ids=lambda make: make.__name__)
@pytest.mark.parametrize("timeout", [None, 0.0, 5.0], ids=["no timeout", "non-blocking", "timeout"])
def test_flags_of_new_descriptors(
    make: Any, flags: str, timeout: float | None, sockets: Sockets, default_timeout: Callable[[float | None], None]
) -> None:
    """socket(2): neither close-on-exec nor O_NONBLOCK unless asked for, whatever socket.setdefaulttimeout says."""
    default_timeout(timeout)
    for fd in make(sockets, sum(getattr(sockets.api, flag) for flag in flags.split())):
        sockets.own(fd)
        assert bool(fcntl.fcntl(fd, fcntl.F_GETFD) & fcntl.FD_CLOEXEC) == ("CLOEXEC" in flags)
        assert bool(fcntl.fcntl(fd, fcntl.F_GETFL) & os.O_NONBLOCK) == ("NONBLOCK" in flags)


@pytest.fixture
def default_timeout() -> Iterator[Callable[[float | None], None]]:
    yield socket.setdefaulttimeout
    socket.setdefaulttimeout(None)


def test_accepted_connection_does_not_inherit(sockets: Sockets) -> None:
    """accept(2): on Linux the new socket does not inherit O_NONBLOCK from the listener."""
    api, fd = sockets.api, sockets.pending()
    os.set_blocking(fd, False)
    assert api.fcntl(fd, api.F_SETFD, api.FD_CLOEXEC) == 0
    new = sockets.own(api.accept(fd, None, None))
    assert api.fcntl(new, api.F_GETFL, 0) & api.O_NONBLOCK == 0
    assert api.fcntl(new, api.F_GETFD, 0) == 0


@pytest.mark.parametrize("timeout", [0.0, 0.001], ids=["non-blocking", "timeout"])
def test_default_timeout_does_not_shorten_a_wait(
    timeout: float, sockets: Sockets, default_timeout: Callable[[float | None], None]
) -> None:
    """SO_RCVTIMEO alone says how long a call waits, and no call changes O_NONBLOCK of its descriptor."""
    api, (reader, _) = sockets.api, sockets.pair()
    default_timeout(timeout)
    patience = api.timeval(tv_usec=50_000)
    assert api.setsockopt(reader, api.SOL_SOCKET, api.SO_RCVTIMEO, patience, api.sizeof(patience)) == 0
    begin = time.monotonic()
    assert [api.recv(reader, bytearray(1), 1, 0), api.get_errno()] == [-1, api.EAGAIN]
    assert time.monotonic() - begin >= 0.04
    assert fcntl.fcntl(reader, fcntl.F_GETFL) & os.O_NONBLOCK == 0


def test_lowest_free_number(sockets: Sockets) -> None:
    """POSIX, file descriptor allocation: the lowest-numbered that is not open."""
    free = os.dup(0)
    os.close(free)
    assert sockets.socket() == free


# --- the amounts ---


def test_zero_bytes(sockets: Sockets) -> None:
    api, (writer, reader) = sockets.api, sockets.pair()
    assert api.write(writer, b"", 0) == 0
    assert api.send(writer, None, 0, 0) == 0
    assert api.write(writer, b"data", 4) == 4
    assert api.read(reader, bytearray(), 0) == 0
    assert api.recv(reader, None, 0, 0) == 0
    assert read(api, reader) == b"data"


def test_zero_bytes_take_a_datagram(sockets: Sockets) -> None:
    """udp(7): a read takes one datagram, whatever its length; read(2) of 0 bytes takes none."""
    api, (writer, reader) = sockets.api, sockets.pair("SOCK_DGRAM")
    for text in (b"one", b"two", b"", b"three"):
        assert api.send(writer, text, len(text), 0) == len(text)
    assert api.read(reader, bytearray(), 0) == 0
    assert api.recv(reader, bytearray(), 0, 0) == 0
    assert [read(api, reader) for _ in range(3)] == [b"two", b"", b"three"]


@pytest.mark.parametrize("call", ["recv", "recvfrom"])
@pytest.mark.parametrize("size", [0, 1, 4, 100])
def test_msg_trunc_returns_the_real_length(call: str, size: int, sockets: Sockets) -> None:
    """recv(2), MSG_TRUNC: the length of the datagram, even when it was longer than the buffer."""
    api, (writer, reader) = sockets.api, sockets.pair("SOCK_DGRAM")
    assert api.send(writer, b"0123456789", 10, 0) == 10
    buffer = bytearray(b"\xee" * size)
    more = (None, None) if call == "recvfrom" else ()
    assert getattr(api, call)(reader, buffer, size, api.MSG_TRUNC, *more) == 10
    assert bytes(buffer) == b"0123456789"[:size].ljust(size, b"\xee")


def test_peek_leaves_the_data(sockets: Sockets) -> None:
    api, (writer, reader) = sockets.api, sockets.pair()
    assert api.write(writer, b"data", 4) == 4
    buffer = bytearray(4)
    assert api.recv(reader, buffer, 2, api.MSG_PEEK) == 2
    assert api.recv(reader, buffer, 4, 0) == 4
    assert buffer == b"data"


def test_read_and_write_of_files(sockets: Sockets) -> None:
    api, (reader, writer) = sockets.api, map(sockets.own, os.pipe())
    assert api.write(writer, b"through a pipe", 14) == 14
    assert read(api, reader) == b"through a pipe"
    sockets.close(writer)
    assert read(api, reader) == b""


# --- poll ---


def polled(s: Sockets, *asked: tuple[int, str], timeout: int = 0) -> tuple[int, list[int]]:
    api = s.api
    entries = (api.pollfd * len(asked))()
    for entry, (fd, events) in zip(entries, asked, strict=True):
        entry.fd, entry.events, entry.revents = fd, sum(getattr(api, name) for name in events.split()), 0x7F
    return api.poll(entries, len(asked), timeout), [entry.revents for entry in entries]


def test_poll_answers_each_entry_for_itself(sockets: Sockets) -> None:
    """poll(2): duplicates are separate entries; only what each asked for comes back."""
    api, (one, other) = sockets.api, sockets.pair()
    assert api.write(other, b"x", 1) == 1
    asked = [(one, "POLLIN"), (one, "POLLOUT"), (one, "POLLIN POLLOUT"), (one, ""), (other, "POLLIN")]
    assert polled(sockets, *asked) == (3, [api.POLLIN, api.POLLOUT, api.POLLIN | api.POLLOUT, 0, 0])


def test_poll_ignores_negative_descriptors(sockets: Sockets) -> None:
    """poll(2): the events of a negative fd are ignored, and revents returns zero."""
    api, (one, _) = sockets.api, sockets.pair()
    assert polled(sockets, (-1, "POLLIN"), (one, "POLLOUT"), (-one - 1, "POLLOUT")) == (1, [0, api.POLLOUT, 0])
    assert polled(sockets, (-1, "POLLIN")) == (0, [0])


def test_poll_reports_what_nobody_asked_for(sockets: Sockets) -> None:
    """poll(2): POLLERR, POLLHUP and POLLNVAL are ignored in events and always reported."""
    api, (one, other) = sockets.api, sockets.pair()
    closed = sockets.closed()
    sockets.close(other)
    assert polled(sockets, (closed, ""), (one, "")) == (2, [api.POLLNVAL, api.POLLHUP])


def test_poll_of_nothing(sockets: Sockets) -> None:
    assert sockets.api.poll(None, 0, 0) == 0
    assert sockets.api.poll(bytearray(), 0, 0) == 0
    assert polled(sockets) == (0, [])


def test_poll_uses_only_nfds_entries(sockets: Sockets) -> None:
    api, (one, _) = sockets.api, sockets.pair()
    entries = (api.pollfd * 2)(api.pollfd(one, api.POLLOUT), api.pollfd(one, api.POLLOUT, 5))
    assert api.poll(entries, 1, -1) == 1
    assert [entry.revents for entry in entries] == [api.POLLOUT, 5]


# --- descriptors belong to the caller ---


def test_descriptor_made_elsewhere(sockets: Sockets) -> None:
    left, right = socket.socketpair()
    with left, right:
        right.setblocking(False)
        assert sockets.api.write(left.fileno(), b"x", 1) == 1
        assert read(sockets.api, right.fileno()) == b"x"
        assert right.gettimeout() == 0


def test_duplicated_descriptor(sockets: Sockets) -> None:
    api, (writer, reader) = sockets.api, sockets.pair()
    copy = sockets.own(api.fcntl(writer, api.F_DUPFD, 100))
    assert copy >= 100
    sockets.close(writer)
    assert api.write(copy, b"x", 1) == 1
    assert read(api, reader) == b"x"
    sockets.close(copy)
    assert read(api, reader) == b""


def test_reused_number(sockets: Sockets) -> None:
    """Nothing is remembered of a number: after close it may be of another family and type."""
    api = sockets.api
    first, _ = sockets.listener("AF_INET")
    sockets.close(first)
    second, address = sockets.bound("AF_UNIX", "SOCK_DGRAM")
    assert second == first
    assert api.sendto(second, b"to itself", 9, 0, address, api.sizeof(address)) == 9
    assert read(api, second) == b"to itself"


def test_closed_twice(sockets: Sockets) -> None:
    api, fd = sockets.api, sockets.api.socket(sockets.api.AF_INET, sockets.api.SOCK_STREAM, 0)
    assert [api.close(fd), api.close(fd), api.get_errno()] == [0, -1, api.EBADF]


# --- while a call blocks ---

BLOCKING_ACCEPT = """
import sys, threading
from pysock_raw.backends import load
api = load(sys.argv[1])
listener = api.socket(api.AF_INET, api.SOCK_STREAM, 0)
api.listen(listener, 1)
address = api.sockaddr_in()
api.getsockname(listener, address, api.socklen_t(16))
address.sin_addr.s_addr = api.htonl(api.INADDR_LOOPBACK)
for _ in range(20):
    entering = threading.Event()
    accepted = []
    thread = threading.Thread(target=lambda: (entering.set(), accepted.append(api.accept(listener, None, None))))
    thread.start()
    entering.wait()
    client = api.socket(api.AF_INET, api.SOCK_STREAM, 0)
    assert api.connect(client, address, 16) == 0
    thread.join()
    assert accepted[0] > 0
    assert api.close(client) == api.close(accepted[0]) == 0
print("done")
"""


def test_other_threads_run_while_accept_blocks(api: Any) -> None:
    """In a process of its own: with the GIL held nothing could end the wait."""
    command = [sys.executable, "-c", BLOCKING_ACCEPT, api.name]
    result = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert (result.stdout, result.stderr, result.returncode) == ("done\n", "", 0)


def test_blocking_recv_holds_its_buffer(sockets: Sockets) -> None:
    """A bytearray that the kernel is about to write to cannot move."""
    api, (writer, reader) = sockets.api, sockets.pair()
    buffer = bytearray(8)
    thread, results = in_thread(api.recv, reader, buffer, 8, 0)
    held = 0
    while held < 1000 and thread.is_alive():  # how soon the thread gets to the call is its own affair
        try:
            buffer.append(0)
            buffer.pop()
        except BufferError:
            held += 1
    assert api.write(writer, b"received", 8) == 8
    thread.join()
    assert (results, buffer, held) == ([8], b"received", 1000)
    buffer.append(0)


def test_a_structure_that_only_the_call_has_lives_until_it_has_returned(sockets: Sockets) -> None:
    """The kernel writes to where it was. Often enough for a compiler that lets go of what is not needed any more."""
    api, writer = sockets.api, sockets.socket(type="SOCK_DGRAM")
    reader, address = sockets.bound(type="SOCK_DGRAM")
    size = api.sizeof(address)
    calls, entering, left = 3000, threading.Semaphore(0), threading.Semaphore(0)
    written_to: list[int] = []

    def meanwhile() -> None:
        for call in range(calls):
            entering.acquire()
            if call % 100 == 0:
                gc.collect()
            others = [api.sockaddr_in(sin_port=0xAAAA) for _ in range(50)]
            api.sendto(writer, b"x", 1, 0, address, size)
            left.acquire()
            written_to.extend(other.sin_port for other in others if other.sin_port != 0xAAAA)

    thread = threading.Thread(target=meanwhile)
    thread.start()
    for _ in range(calls):
        entering.release()
        api.recvfrom(reader, bytearray(1), 1, 0, api.sockaddr_in(), api.socklen_t(size))
        left.release()
    thread.join()
    assert written_to == []


def test_signal_interrupts_a_call(c_api: Any) -> None:
    """signal(7): the call fails with EINTR, and is not made again. The fallback cannot see it (PEP 475)."""
    reader, writer = os.pipe()
    over = threading.Event()

    def interrupt() -> None:  # again and again: the first signals may come before the call blocks
        while not over.wait(0.001):
            signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGUSR1)

    before = signal.signal(signal.SIGUSR1, lambda *_: None)
    thread = threading.Thread(target=interrupt)
    thread.start()
    try:
        result, number = c_api.read(reader, bytearray(1), 1), c_api.get_errno()
    finally:
        over.set()
        thread.join()
        signal.signal(signal.SIGUSR1, before)
        os.close(reader)
        os.close(writer)
    assert (result, number) == (-1, c_api.EINTR)


# --- conversions ---


def test_byte_order(api: Any) -> None:
    assert api.htons(0x1234).to_bytes(2, sys.byteorder) == b"\x12\x34"
    assert api.htonl(0x12345678).to_bytes(4, sys.byteorder) == b"\x12\x34\x56\x78"
    assert api.ntohs(api.htons(0x1234)) == 0x1234
    assert api.ntohl(api.htonl(0x12345678)) == 0x12345678
    assert api.htonl(2**32 - 1) == 2**32 - 1


TEXTS = [
    ("AF_INET", "127.0.0.1", "7f000001"),
    ("AF_INET", "255.255.255.255", "ffffffff"),
    ("AF_INET6", "::", "0" * 32),
    ("AF_INET6", "::1", "0" * 31 + "1"),
    ("AF_INET6", "2001:db8::ff00:42:8329", "20010db8000000000000ff0000428329"),
    ("AF_INET6", "::ffff:192.0.2.1", "00000000000000000000ffffc0000201"),
]


@pytest.mark.parametrize(("family", "text", "packed"), TEXTS, ids=[text for _, text, _ in TEXTS])
def test_address_as_text(family: str, text: str, packed: str, api: Any) -> None:
    address = bytearray(len(packed) // 2)
    assert api.inet_pton(getattr(api, family), text, address) == 1
    assert api.inet_pton(getattr(api, family), text.encode(), address) == 1
    assert address.hex() == packed
    room = bytearray(46)
    assert api.inet_ntop(getattr(api, family), address, room, len(text) + 1) is room
    assert room.rstrip(b"\0") == text.encode()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "127.1",
        "0x7f.0.0.1",
        "127.0.0.01",
        "256.0.0.1",
        "localhost",
        "::1",
        " 127.0.0.1",
        "1.2.3.4 ",
        "\u0661.0.0.1",
    ],
)
def test_text_that_is_no_address(text: str, api: Any) -> None:
    """inet_pton(3): 0, and dst is not touched; only four decimal numbers are an address."""
    address = bytearray(b"\xee" * 16)
    assert api.inet_pton(api.AF_INET, text, address) == 0
    assert address == b"\xee" * 16


def test_address_into_a_structure(api: Any) -> None:
    address = api.sockaddr_in()
    assert api.inet_pton(api.AF_INET, "192.0.2.7", address.sin_addr) == 1
    assert bytes(address)[4:8] == bytes([192, 0, 2, 7])


# --- what the fallback cannot do ---


def test_inexpressible_says_why_and_makes_no_call(python_api: Any) -> None:
    with socket.socket(type=socket.SOCK_DGRAM) as sock:
        sock.connect(("127.0.0.1", 9))
        with pytest.raises(Inexpressible, match="AF_UNSPEC, which dissolves a connection"):
            python_api.connect(sock.fileno(), python_api.sockaddr(sa_family=python_api.AF_UNSPEC), 16)
        assert sock.getpeername() == ("127.0.0.1", 9)
    assert issubclass(Inexpressible, NotImplementedError)


def test_dissolved_connection(c_api: Any) -> None:
    """connect(2): AF_UNSPEC dissolves the association of a datagram socket."""
    with socket.socket(type=socket.SOCK_DGRAM) as sock:
        sock.connect(("127.0.0.1", 9))
        assert c_api.connect(sock.fileno(), c_api.sockaddr(sa_family=c_api.AF_UNSPEC), 16) == 0
        assert c_api.getpeername(sock.fileno(), bytearray(16), c_api.socklen_t(16)) == -1
        assert c_api.get_errno() == c_api.ENOTCONN


def test_path_that_fills_sun_path(c_api: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """unix(7): 108 bytes without a NUL are a path too; the kernel reports 111 for it. Python refuses it."""
    name = b"x" * 108
    monkeypatch.chdir(tmp_path)
    with socket.socket(socket.AF_UNIX) as sock:
        assert c_api.bind(sock.fileno(), c_api.sockaddr_un(sun_family=c_api.AF_UNIX, sun_path=name), 110) == 0
        assert os.listdir() == [name.decode()]
        length = c_api.socklen_t(110)
        assert c_api.getsockname(sock.fileno(), c_api.sockaddr_un(), length) == 0
        assert length.value == 111
