"""The companions of the six calls, and the errnos that scripts meet with them: one row, one case.

A row names a state that a socket is in and makes one call. What needs more steps follows the tables."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

from pysock_raw.backends.contract import Backend
from pysock_raw.conformance import machine
from pysock_raw.conformance.box import Box
from pysock_raw.conformance.case import Outcome, case, error, success
from pysock_raw.conformance.kinds import (
    LOCAL,
    LOCAL_DGRAM,
    LOCAL_SEQPACKET,
    TCP,
    TCP6,
    UDP,
    UDP6,
    Kind,
    answer,
    bound,
    client,
    connected,
    inet,
    inet6,
    listener,
    local,
    must,
    name_of,
    option,
    pair,
    set_option,
    wait_readable,
)

Call = Callable[[Backend, int], int]
State = Callable[[Backend, Kind], int]


# --- descriptors that are none ---

#: Each companion with the arguments of a program that means well.
PROPER: dict[str, Call] = {
    "accept4": lambda c, fd: c.accept4(fd, None, None, 0),
    "getsockopt": lambda c, fd: c.getsockopt(fd, c.SOL_SOCKET, c.SO_TYPE, c.c_int(), c.socklen_t(4)),
    "getsockname": lambda c, fd: c.getsockname(fd, c.sockaddr_in(), c.socklen_t(16)),
    "getpeername": lambda c, fd: c.getpeername(fd, c.sockaddr_in(), c.socklen_t(16)),
    "shutdown": lambda c, fd: c.shutdown(fd, c.SHUT_WR),
    "close": lambda c, fd: c.close(fd),
    "read": lambda c, fd: c.read(fd, bytearray(1), 1),
    "write": lambda c, fd: c.write(fd, b"x", 1),
    "send": lambda c, fd: c.send(fd, b"x", 1, 0),
    "recv": lambda c, fd: c.recv(fd, bytearray(1), 1, 0),
    "sendto": lambda c, fd: c.sendto(fd, b"x", 1, 0, *inet(c, c.INADDR_LOOPBACK, 9)),
    "recvfrom": lambda c, fd: c.recvfrom(fd, bytearray(1), 1, 0, c.sockaddr_in(), c.socklen_t(16)),
    "fcntl": lambda c, fd: c.fcntl(fd, c.F_GETFD, 0),
}  # fmt: skip
FOR_ANY_FILE = ("close", "read", "write", "fcntl")


def _bad_descriptor(call: str) -> None:
    @case(f"{call}/closed-descriptor", f"{call} on a descriptor that was closed", error("EBADF", f"POSIX.1 {call}"))
    def _(c: Backend, box: Box) -> None:
        fd = TCP.socket(c)
        must(c, c.close(fd))
        PROPER[call](c, fd)

    @case(f"{call}/negative-descriptor", f"{call} on a descriptor of -1", error("EBADF", f"POSIX.1 {call}"))
    def _(c: Backend, box: Box) -> None:
        PROPER[call](c, -1)


def _no_socket(call: str) -> None:
    @case(f"{call}/no-socket", f"{call} on a pipe, which is no socket", error("ENOTSOCK", f"POSIX.1 {call}"))
    def _(c: Backend, box: Box) -> None:
        PROPER[call](c, box.pipe()[0])


for _call in PROPER:
    _bad_descriptor(_call)
    if _call not in FOR_ANY_FILE:
        _no_socket(_call)


# --- one call on a socket in some state ---


def fresh(c: Backend, kind: Kind) -> int:
    return kind.socket(c)


def nonblocking(c: Backend, kind: Kind) -> int:
    return kind.socket(c, c.SOCK_NONBLOCK)


def named(c: Backend, kind: Kind) -> int:
    return bound(c, kind)[0]


def listening(c: Backend, kind: Kind) -> int:
    return listener(c, kind)[0]


def ours(c: Backend, kind: Kind) -> int:
    """The client's end of a connection; of a connectionless kind, a socket that is connected to a silent one."""
    if kind.type == "SOCK_DGRAM":
        return client(c, kind, bound(c, kind)[1])
    return connected(c, kind)[0]


def peer_gone(c: Backend, kind: Kind) -> int:
    """A local socket whose peer closed."""
    one, other = pair(c, getattr(c, kind.type))
    must(c, c.close(other))
    return one


def peer_gone_unread(c: Backend, kind: Kind) -> int:
    """A local socket whose peer closed without reading what it was sent."""
    one, other = pair(c, getattr(c, kind.type))
    must(c, c.send(one, b"unread", 6, 0))
    must(c, c.close(other))
    return one


def half_closed(c: Backend, kind: Kind) -> int:
    """A connected socket that has shut down its own direction."""
    fd = ours(c, kind)
    must(c, c.shutdown(fd, c.SHUT_WR))
    return fd


def deaf(c: Backend, kind: Kind) -> int:
    """A local socket whose peer has shut down receiving."""
    one, other = pair(c, getattr(c, kind.type))
    must(c, c.shutdown(other, c.SHUT_RD))
    return one


def reset(c: Backend, kind: Kind) -> int:
    """A TCP socket that got a RST: the peer closed with a linger time of 0 (socket(7))."""
    one, other = connected(c, kind)
    value = c.linger(l_onoff=1, l_linger=0)
    must(c, c.setsockopt(other, c.SOL_SOCKET, c.SO_LINGER, value, c.sizeof(value)))
    must(c, c.close(other))
    wait_readable(c, one)
    return one


def _say(c: Backend, fd: int) -> int:
    return c.send(fd, b"x", 1, 0)


def _hear(c: Backend, fd: int) -> int:
    return c.recv(fd, bytearray(1), 1, 0)


def _oob(c: Backend, fd: int) -> int:
    return c.send(fd, b"!", 1, c.MSG_OOB)


def _hear_oob(c: Backend, fd: int) -> int:
    return c.recv(fd, bytearray(1), 1, c.MSG_OOB)


def _say_to_loopback(c: Backend, fd: int) -> int:
    return c.sendto(fd, b"x", 1, 0, *inet(c, c.INADDR_LOOPBACK, 9))


def _say_to_path(path: bytes) -> Call:
    return lambda c, fd: c.sendto(fd, b"x", 1, 0, *local(c, path))


def _shut(how: str) -> Call:
    return lambda c, fd: c.shutdown(fd, getattr(c, how))


def _peer(c: Backend, fd: int) -> int:
    return c.getpeername(fd, bytearray(128), c.socklen_t(128))


#: setsockopt says ENOPROTOOPT.
LEVEL = error("EOPNOTSUPP", "ip(7); an experiment: do_ip_getsockopt in net/ipv4/ip_sockglue.c")

#: id, what it shows, the kind of socket, its state, the call, its answer
ROWS: list[tuple[str, str, Kind, State, Call, Outcome]] = [
    # shutdown
    ("shutdown/tcp/unconnected", "a stream that is not connected has nothing to shut down", TCP, fresh,
     _shut("SHUT_WR"), error("ENOTCONN", "POSIX.1 shutdown")),
    ("shutdown/tcp/bound", "a name is no connection", TCP, named,
     _shut("SHUT_RD"), error("ENOTCONN", "POSIX.1 shutdown")),
    ("shutdown/udp/unconnected", "a datagram socket without a peer is not connected either", UDP, named,
     _shut("SHUT_RDWR"), error("ENOTCONN", "POSIX.1 shutdown")),
    ("shutdown/udp/connected", "a datagram socket with a peer can be shut down", UDP, ours,
     _shut("SHUT_RDWR"), success("POSIX.1 shutdown")),
    ("shutdown/local/unconnected", "Linux takes a shutdown of a local stream that is not connected", LOCAL, fresh,
     _shut("SHUT_WR"), success("an experiment: unix_shutdown in net/unix/af_unix.c asks for no peer")),
    ("shutdown/local-dgram/unconnected", "and of a local datagram socket", LOCAL_DGRAM, fresh,
     _shut("SHUT_WR"), success("an experiment: unix_shutdown in net/unix/af_unix.c asks for no peer")),
    ("shutdown/tcp/listening-to-writing", "a listener does not write, and shutting that down changes nothing", TCP,
     listening, _shut("SHUT_WR"), success("an experiment: inet_shutdown leaves a listener alone without SHUT_RD")),
    ("shutdown/tcp/twice", "shutting down again what is shut down", TCP, half_closed,
     _shut("SHUT_WR"), success("an experiment: inet_shutdown in net/ipv4/af_inet.c")),
    ("shutdown/tcp/reset", "a connection that was reset is none", TCP, reset,
     _shut("SHUT_WR"), error("ENOTCONN", "POSIX.1 shutdown")),
    ("shutdown/tcp/bad-how", "a direction that does not exist", TCP, ours,
     lambda c, fd: c.shutdown(fd, 3), error("EINVAL", "POSIX.1 shutdown")),
    ("shutdown/tcp/negative-how", "a negative direction", TCP, ours,
     lambda c, fd: c.shutdown(fd, -1), error("EINVAL", "POSIX.1 shutdown")),
    ("shutdown/tcp/bad-how-unconnected", "a bad direction wins over a missing connection", TCP, fresh,
     lambda c, fd: c.shutdown(fd, 3), error("EINVAL", "an experiment: inet_shutdown looks at how first")),
    ("shutdown/local/bad-how", "a direction that does not exist", LOCAL, fresh,
     lambda c, fd: c.shutdown(fd, 3), error("EINVAL", "POSIX.1 shutdown")),
    # getsockopt
    ("getsockopt/tcp/unknown-option", "an option that does not exist", TCP, fresh,
     lambda c, fd: c.getsockopt(fd, c.SOL_SOCKET, 9999, c.c_int(), c.socklen_t(4)),
     error("ENOPROTOOPT", "POSIX.1 getsockopt")),
    ("getsockopt/tcp/unknown-tcp-option", "an option that TCP does not have", TCP, fresh,
     lambda c, fd: c.getsockopt(fd, c.IPPROTO_TCP, 9999, c.c_int(), c.socklen_t(4)),
     error("ENOPROTOOPT", "POSIX.1 getsockopt")),
    ("getsockopt/tcp/unknown-level", "a level that does not exist", TCP, fresh,
     lambda c, fd: c.getsockopt(fd, 9999, 1, c.c_int(), c.socklen_t(4)), LEVEL),
    ("getsockopt/udp/level-of-tcp", "TCP's options on a UDP socket", UDP, fresh,
     lambda c, fd: c.getsockopt(fd, c.IPPROTO_TCP, c.TCP_NODELAY, c.c_int(), c.socklen_t(4)),
     LEVEL),
    ("getsockopt/tcp/level-of-ipv6", "IPv6's options on an IPv4 socket", TCP, fresh,
     lambda c, fd: c.getsockopt(fd, c.IPPROTO_IPV6, c.IPV6_V6ONLY, c.c_int(), c.socklen_t(4)),
     LEVEL),
    ("getsockopt/local/level-of-tcp", "a local socket has options of SOL_SOCKET only", LOCAL, fresh,
     lambda c, fd: c.getsockopt(fd, c.IPPROTO_TCP, c.TCP_NODELAY, c.c_int(), c.socklen_t(4)),
     error("EOPNOTSUPP", "unix(7); an experiment: do_sock_getsockopt in net/socket.c")),
    ("getsockopt/tcp/null-value", "NULL for the value", TCP, fresh,
     lambda c, fd: c.getsockopt(fd, c.SOL_SOCKET, c.SO_TYPE, None, c.socklen_t(4)), error("EFAULT", "getsockopt(2)")),
    ("getsockopt/tcp/null-length", "NULL for the length", TCP, fresh,
     lambda c, fd: c.getsockopt(fd, c.SOL_SOCKET, c.SO_TYPE, c.c_int(), None), error("EFAULT", "getsockopt(2)")),
    ("getsockopt/tcp/negative-length", "a negative length", TCP, fresh,
     lambda c, fd: c.getsockopt(fd, c.SOL_SOCKET, c.SO_TYPE, c.c_int(), c.socklen_t(-1)),
     error("EINVAL", "an experiment: sk_getsockopt in net/core/sock.c")),
    # getsockname and getpeername
    ("getsockname/tcp/null-length", "NULL for the length", TCP, fresh,
     lambda c, fd: c.getsockname(fd, c.sockaddr_in(), None), error("EFAULT", "getsockname(2)")),
    ("getsockname/tcp/negative-length", "a negative length", TCP, fresh,
     lambda c, fd: c.getsockname(fd, c.sockaddr_in(), c.socklen_t(-1)), error("EINVAL", "getsockname(2)")),
    ("getpeername/tcp/unconnected", "no peer", TCP, fresh, _peer, error("ENOTCONN", "POSIX.1 getpeername")),
    ("getpeername/tcp/bound", "a name of its own is no peer", TCP, named, _peer,
     error("ENOTCONN", "POSIX.1 getpeername")),
    ("getpeername/tcp/listening", "a listener has clients and no peer", TCP, listening, _peer,
     error("ENOTCONN", "POSIX.1 getpeername")),
    ("getpeername/tcp6/unconnected", "no peer", TCP6, fresh, _peer, error("ENOTCONN", "POSIX.1 getpeername")),
    ("getpeername/udp/unconnected", "a datagram socket has a peer after connect only", UDP, named, _peer,
     error("ENOTCONN", "POSIX.1 getpeername")),
    ("getpeername/udp6/unconnected", "a datagram socket has a peer after connect only", UDP6, named, _peer,
     error("ENOTCONN", "POSIX.1 getpeername")),
    ("getpeername/local/unconnected", "no peer", LOCAL, fresh, _peer, error("ENOTCONN", "POSIX.1 getpeername")),
    ("getpeername/local/listening", "a listener has clients and no peer", LOCAL, listening, _peer,
     error("ENOTCONN", "POSIX.1 getpeername")),
    ("getpeername/local-dgram/unconnected", "no peer", LOCAL_DGRAM, named, _peer,
     error("ENOTCONN", "POSIX.1 getpeername")),
    ("getpeername/tcp/half-closed", "the peer stays when this end has shut down", TCP, half_closed, _peer,
     success("an experiment: inet_getname wants a port of the peer, and no TCP_CLOSE")),
    ("getpeername/tcp/reset", "the peer is gone with a reset", TCP, reset, _peer,
     error("ENOTCONN", "POSIX.1 getpeername")),
    ("getpeername/local/peer-closed", "a local socket remembers the peer that closed", LOCAL, peer_gone, _peer,
     success("an experiment: unix_release_sock leaves unix_peer of the other end")),
    ("getpeername/tcp/unconnected-null-length", "a missing connection wins over NULL for the length", TCP, fresh,
     lambda c, fd: c.getpeername(fd, c.sockaddr_in(), None),
     error("ENOTCONN", "an experiment: __sys_getpeername asks the family before it copies")),
    # send
    ("send/tcp/unconnected", "Linux says EPIPE where POSIX says ENOTCONN", TCP, fresh, _say,
     error("EPIPE", "an experiment: sk_stream_wait_connect in net/core/stream.c")),
    ("send/tcp/listening", "a listener is not connected", TCP, listening, _say,
     error("EPIPE", "an experiment: sk_stream_wait_connect in net/core/stream.c")),
    ("send/tcp/half-closed", "after shutdown of the writing direction", TCP, half_closed, _say,
     error("EPIPE", "POSIX.1 send")),
    ("send/tcp/without-signal", "MSG_NOSIGNAL keeps SIGPIPE away, the errno is the same", TCP, half_closed,
     lambda c, fd: c.send(fd, b"x", 1, c.MSG_NOSIGNAL), error("EPIPE", "POSIX.1 send")),
    ("send/tcp/reset", "the first send after a reset", TCP, reset, _say,
     error("ECONNRESET", "POSIX.1 send")),
    ("send/local/unconnected", "a local stream is not connected", LOCAL, fresh, _say,
     error("ENOTCONN", "POSIX.1 send")),
    ("send/local/half-closed", "after shutdown of the writing direction", LOCAL, half_closed, _say,
     error("EPIPE", "POSIX.1 send")),
    ("send/local/peer-closed", "the peer of a local stream closed", LOCAL, peer_gone, _say,
     error("EPIPE", "POSIX.1 send; unix(7)")),
    ("send/local/deaf-peer", "the peer of a local stream does not receive any more", LOCAL, deaf, _say,
     error("EPIPE", "an experiment: unix_stream_sendmsg in net/unix/af_unix.c")),
    ("send/local-seqpacket/unconnected", "a sequenced-packet socket is not connected", LOCAL_SEQPACKET, fresh, _say,
     error("ENOTCONN", "POSIX.1 send")),
    ("send/local-seqpacket/peer-closed", "the peer of a sequenced-packet socket closed", LOCAL_SEQPACKET, peer_gone,
     _say, error("EPIPE", "unix(7)")),
    ("send/local-dgram/unconnected", "Linux says ENOTCONN where POSIX says EDESTADDRREQ", LOCAL_DGRAM, fresh, _say,
     error("ENOTCONN", "an experiment: unix_dgram_sendmsg in net/unix/af_unix.c")),
    ("send/local-dgram/peer-closed", "the peer of a local datagram socket closed", LOCAL_DGRAM, peer_gone, _say,
     error("ECONNREFUSED", "unix(7)")),
    ("send/local-dgram/deaf-peer", "the peer does not receive any more", LOCAL_DGRAM, deaf, _say,
     error("EPIPE", "unix(7)")),
    ("send/udp/unconnected", "no peer and no address", UDP, fresh, _say, error("EDESTADDRREQ", "POSIX.1 send")),
    ("send/udp6/unconnected", "no peer and no address", UDP6, fresh, _say, error("EDESTADDRREQ", "POSIX.1 send")),
    ("send/udp/half-closed", "after shutdown of the writing direction", UDP, half_closed, _say,
     error("EPIPE", "POSIX.1 send")),
    ("send/udp/out-of-band", "datagrams have no out-of-band data", UDP, ours, _oob,
     error("EOPNOTSUPP", "POSIX.1 send")),
    ("send/local-dgram/out-of-band", "datagrams have no out-of-band data", LOCAL_DGRAM, ours, _oob,
     error("EOPNOTSUPP", "POSIX.1 send; unix(7)")),
    ("send/local-seqpacket/out-of-band", "packets have no out-of-band data", LOCAL_SEQPACKET, ours, _oob,
     error("EOPNOTSUPP", "POSIX.1 send; unix(7)")),
    # recv
    ("recv/tcp/unconnected", "a stream that is not connected", TCP, fresh, _hear, error("ENOTCONN", "POSIX.1 recv")),
    ("recv/tcp/listening", "a listener receives connections only", TCP, listening, _hear,
     error("ENOTCONN", "POSIX.1 recv")),
    ("recv/tcp/reset", "the connection was reset", TCP, reset, _hear, error("ECONNRESET", "POSIX.1 recv")),
    ("recv/local/unconnected", "Linux says EINVAL where POSIX says ENOTCONN", LOCAL, fresh, _hear,
     error("EINVAL", "an experiment: unix_stream_read_generic in net/unix/af_unix.c")),
    ("recv/local-seqpacket/unconnected", "a sequenced-packet socket is not connected", LOCAL_SEQPACKET, fresh, _hear,
     error("ENOTCONN", "POSIX.1 recv")),
    ("recv/local/peer-closed", "the end of the stream", LOCAL, peer_gone, _hear, success("POSIX.1 recv")),
    ("recv/local/peer-closed-unread", "the peer of a local stream left data unread", LOCAL, peer_gone_unread, _hear,
     error("ECONNRESET", "an experiment: unix_release_sock in net/unix/af_unix.c")),
    ("recv/local-seqpacket/peer-closed", "the end of the connection", LOCAL_SEQPACKET, peer_gone, _hear,
     success("POSIX.1 recv; unix(7)")),
    ("recv/tcp/no-out-of-band", "no out-of-band data has come", TCP, ours, _hear_oob,
     error("EINVAL", "POSIX.1 recv")),
    ("recv/local-dgram/out-of-band", "datagrams have no out-of-band data", LOCAL_DGRAM, named, _hear_oob,
     error("EOPNOTSUPP", "POSIX.1 recv")),
    ("recv/udp/nothing", "O_NONBLOCK, and no datagram", UDP, nonblocking, _hear, error("EAGAIN", "POSIX.1 recv")),
    ("recv/local-dgram/nothing", "O_NONBLOCK, and no datagram", LOCAL_DGRAM, nonblocking, _hear,
     error("EAGAIN", "POSIX.1 recv")),
    ("recv/tcp/not-now", "MSG_DONTWAIT is O_NONBLOCK for one call", TCP, ours,
     lambda c, fd: c.recv(fd, bytearray(1), 1, c.MSG_DONTWAIT), error("EAGAIN", "recv(2)")),
    ("recv/local/not-now", "MSG_DONTWAIT is O_NONBLOCK for one call", LOCAL, ours,
     lambda c, fd: c.recv(fd, bytearray(1), 1, c.MSG_DONTWAIT), error("EAGAIN", "recv(2)")),
    ("recv/udp/no-errors", "the queue of errors is empty", UDP, ours,
     lambda c, fd: c.recv(fd, bytearray(1), 1, c.MSG_ERRQUEUE), error("EAGAIN", "recv(2) MSG_ERRQUEUE")),
    ("recv/tcp/0-bytes-unconnected", "asking for 0 bytes is a call all the same", TCP, fresh,
     lambda c, fd: c.recv(fd, bytearray(1), 0, 0), error("ENOTCONN", "POSIX.1 recv")),
    # sendto
    ("sendto/tcp/unconnected", "an address does not connect a stream", TCP, fresh, _say_to_loopback,
     error("EPIPE", "an experiment: sk_stream_wait_connect in net/core/stream.c")),
    ("sendto/tcp/connected", "Linux ignores the address on a connected stream", TCP, ours, _say_to_loopback,
     success("POSIX.1 sendto: or EISCONN; send(2)", result=1)),
    ("sendto/local/unconnected", "a local stream takes no addresses", LOCAL, fresh, _say_to_path(b"server"),
     error("EOPNOTSUPP", "send(2); an experiment: unix_stream_sendmsg in net/unix/af_unix.c")),
    ("sendto/local/connected", "a connected local stream takes no addresses", LOCAL, ours, _say_to_path(b"server"),
     error("EISCONN", "POSIX.1 sendto")),
    ("sendto/local-seqpacket/connected", "a connected sequenced-packet socket ignores the address", LOCAL_SEQPACKET,
     ours, _say_to_path(b"nobody"), success("an experiment: unix_seqpacket_sendmsg in net/unix/af_unix.c", result=1)),
    ("sendto/local-seqpacket/unconnected", "an address does not connect a sequenced-packet socket", LOCAL_SEQPACKET,
     fresh, _say_to_path(b"nobody"), error("ENOTCONN", "POSIX.1 sendto")),
    ("sendto/udp/null-address", "no peer and no address", UDP, fresh,
     lambda c, fd: c.sendto(fd, b"x", 1, 0, None, 0), error("EDESTADDRREQ", "POSIX.1 sendto")),
    ("sendto/udp/connected-null-address", "without an address sendto is send", UDP, ours,
     lambda c, fd: c.sendto(fd, b"x", 1, 0, None, 0), success("send(2)", result=1)),
    ("sendto/udp/port-0", "nothing can be sent to port 0", UDP, fresh,
     lambda c, fd: c.sendto(fd, b"x", 1, 0, *inet(c, c.INADDR_LOOPBACK, 0)),
     error("EINVAL", "an experiment: udp_sendmsg in net/ipv4/udp.c")),
    ("sendto/udp6/port-0", "nothing can be sent to port 0", UDP6, fresh,
     lambda c, fd: c.sendto(fd, b"x", 1, 0, *inet6(c, "::1", 0)),
     error("EINVAL", "an experiment: udpv6_sendmsg in net/ipv6/udp.c")),
    ("sendto/udp/broadcast", "a broadcast needs SO_BROADCAST", UDP, fresh,
     lambda c, fd: c.sendto(fd, b"x", 1, 0, *inet(c, 0x7FFFFFFF, 9)), error("EACCES", "send(2); ip(7)")),
    ("sendto/udp/foreign-family", "an IPv6 address for an IPv4 socket", UDP, fresh,
     lambda c, fd: c.sendto(fd, b"x", 1, 0, *inet6(c, "::1", 9)), error("EAFNOSUPPORT", "POSIX.1 sendto")),
    ("sendto/udp/short-address", "an address shorter than sockaddr_in", UDP, fresh,
     lambda c, fd: c.sendto(fd, b"x", 1, 0, inet(c, c.INADDR_LOOPBACK, 9)[0], 8),
     error("EINVAL", "an experiment: udp_sendmsg in net/ipv4/udp.c")),
    ("sendto/local-dgram/no-such-path", "a path that does not exist", LOCAL_DGRAM, fresh, _say_to_path(b"nobody"),
     error("ENOENT", "POSIX.1 sendto")),
    ("sendto/local-dgram/no-such-name", "an abstract name that nobody has", LOCAL_DGRAM, fresh,
     _say_to_path(b"\0pysock_raw.nobody"), error("ECONNREFUSED", "unix(7)")),
    ("sendto/local-dgram/foreign-family", "an IPv4 address for a local socket", LOCAL_DGRAM, fresh, _say_to_loopback,
     error("EINVAL", "send(2); an experiment: unix_validate_addr in net/unix/af_unix.c")),
    # recvfrom
    ("recvfrom/tcp/unconnected", "a stream that is not connected", TCP, fresh, PROPER["recvfrom"],
     error("ENOTCONN", "POSIX.1 recvfrom")),
    ("recvfrom/udp/nothing", "O_NONBLOCK, and no datagram", UDP, nonblocking, PROPER["recvfrom"],
     error("EAGAIN", "POSIX.1 recvfrom")),
    # read and write
    ("read/tcp/unconnected", "a stream that is not connected", TCP, fresh, PROPER["read"],
     error("ENOTCONN", "POSIX.1 read")),
    ("read/tcp/reset", "the connection was reset", TCP, reset, PROPER["read"], error("ECONNRESET", "POSIX.1 read")),
    ("read/udp/nothing", "O_NONBLOCK, and no datagram", UDP, nonblocking, PROPER["read"],
     error("EAGAIN", "POSIX.1 read")),
    ("read/tcp/0-bytes-unconnected", "reading 0 bytes asks the socket nothing", TCP, fresh,
     lambda c, fd: c.read(fd, bytearray(1), 0), success("an experiment: sock_read_iter in net/socket.c")),
    ("write/udp/unconnected", "no peer", UDP, fresh, PROPER["write"], error("EDESTADDRREQ", "write(2)")),
    ("write/tcp/unconnected", "Linux says EPIPE", TCP, fresh, PROPER["write"],
     error("EPIPE", "an experiment: sk_stream_wait_connect in net/core/stream.c")),
    ("write/local/peer-closed", "the peer closed", LOCAL, peer_gone, PROPER["write"], error("EPIPE", "POSIX.1 write")),
    ("write/tcp/null", "NULL as buffer", TCP, ours, lambda c, fd: c.write(fd, None, 5), error("EFAULT", "write(2)")),
    ("sendto/tcp/null", "NULL as buffer", TCP, ours, lambda c, fd: c.sendto(fd, None, 5, 0, *inet(c, 0x7F000001, 9)),
     error("EFAULT", "send(2)")),
    # fcntl
    ("fcntl/tcp/unknown-command", "a command that does not exist", TCP, fresh, lambda c, fd: c.fcntl(fd, 9999, 0),
     error("EINVAL", "fcntl(2)")),
    ("fcntl/tcp/negative-descriptor-wanted", "F_DUPFD from a negative number up", TCP, fresh,
     lambda c, fd: c.fcntl(fd, c.F_DUPFD, -1), error("EINVAL", "POSIX.1 fcntl")),
    ("fcntl/tcp/no-signal", "a signal that does not exist", TCP, fresh, lambda c, fd: c.fcntl(fd, c.F_SETSIG, 1000),
     error("EINVAL", "fcntl(2) F_SETSIG")),
    ("fcntl/tcp/owner-does-not-exist", "no process has this number", TCP, fresh,
     lambda c, fd: c.fcntl(fd, c.F_SETOWN, 2**31 - 1), error("ESRCH", "an experiment: f_setown in fs/fcntl.c")),
    ("fcntl/tcp/size-of-a-pipe", "a socket is no pipe", TCP, fresh, lambda c, fd: c.fcntl(fd, c.F_SETPIPE_SZ, 4096),
     error("EBADF", "an experiment: pipe_fcntl in fs/pipe.c")),
    ("fcntl/tcp/opened-for-reading-and-writing", "a socket reads and writes: its status flags are O_RDWR", TCP, fresh,
     lambda c, fd: c.fcntl(fd, c.F_GETFL, 0), success("fcntl(2); O_RDWR is 2", result=2)),
]  # fmt: skip


def _row(id: str, shows: str, kind: Kind, state: State, call: Call, outcome: Outcome) -> None:
    @case(id, shows, outcome, needs=(*kind.needs, "linux"))
    def _(c: Backend, box: Box) -> None:
        call(c, state(c, kind))


for _arguments in ROWS:
    _row(*_arguments)


# --- socketpair ---

#: id, what it shows, domain, type, protocol, errno, source
PAIRS: list[tuple[str, str, Any, Any, int, str, str]] = [
    ("tcp/unsupported", "IPv4 makes no pairs", "AF_INET", "SOCK_STREAM", 0, "EOPNOTSUPP", "POSIX.1 socketpair"),
    ("udp/unsupported", "IPv4 makes no pairs", "AF_INET", "SOCK_DGRAM", 0, "EOPNOTSUPP", "POSIX.1 socketpair"),
    ("unknown-domain", "a domain that does not exist", 999, "SOCK_STREAM", 0, "EAFNOSUPPORT", "POSIX.1 socketpair"),
    ("local/unknown-type", "a type that does not exist", "AF_UNIX", 15, 0, "EINVAL", "socket(2)"),
    ("local/type-of-other-family", "a type that AF_UNIX lacks", "AF_UNIX", "SOCK_RDM", 0, "ESOCKTNOSUPPORT",
     "socket(2); unix(7)"),
    ("local/unknown-flags", "a flag in the type that does not exist", "AF_UNIX", 0x1001, 0, "EINVAL", "socket(2)"),
    ("local/foreign-protocol", "a protocol that AF_UNIX lacks", "AF_UNIX", "SOCK_STREAM", 17, "EPROTONOSUPPORT",
     "POSIX.1 socketpair"),
    ("local/negative-protocol", "-1 is no protocol", "AF_UNIX", "SOCK_STREAM", -1, "EPROTONOSUPPORT",
     "an experiment: unix_create in net/unix/af_unix.c; from 6.12 __sock_create refuses it"),
]  # fmt: skip


def _no_pair(id: str, shows: str, domain: Any, type: Any, protocol: int, errno: str, source: str) -> None:
    @case(f"socketpair/{id}", shows, error(errno, source), needs=["linux"])
    def _(c: Backend, box: Box) -> None:
        domain_, type_ = (getattr(c, name) if isinstance(name, str) else name for name in (domain, type))
        c.socketpair(domain_, type_, protocol, (c.c_int * 2)())


for _refused in PAIRS:
    _no_pair(*_refused)


@case("socketpair/local/null", "NULL for the two descriptors", error("EFAULT", "socketpair(2)"), needs=["linux"])
def _(c: Backend, box: Box) -> None:
    c.socketpair(c.AF_UNIX, c.SOCK_STREAM, 0, None)


@case(
    "socketpair/local/room-for-one",
    "a pair needs two descriptors: where one fits, there is none, and the one is free again",
    error("EMFILE", "POSIX.1 socketpair", observed=["EMFILE", True]),
    needs=["linux"],
)
def _(c: Backend, box: Box) -> list[object]:
    first = TCP.socket(c)
    with machine.descriptors_below(first + 2):
        said = answer(c, c.socketpair(c.AF_UNIX, c.SOCK_STREAM, 0, (c.c_int * 2)()))
        return [said, TCP.socket(c) == first + 1]


@case(
    "socketpair/local/kinds",
    "pairs of streams, datagrams and packets, with protocol 0 or AF_UNIX's own number",
    success("socketpair(2); unix(7)", observed=["one", "one", "one", "one"]),
)
def _(c: Backend, box: Box) -> list[str]:
    heard = []
    for type, protocol in ((c.SOCK_DGRAM, 0), (c.SOCK_SEQPACKET, 0), (c.SOCK_STREAM, 0), (c.SOCK_STREAM, c.AF_UNIX)):
        ends, text = (c.c_int * 2)(), bytearray(3)
        must(c, c.socketpair(c.AF_UNIX, type, protocol, ends))
        must(c, c.send(ends[0], b"one", 3, 0))
        must(c, c.recv(ends[1], text, 3, 0))
        heard.append(text.decode())
    return heard


# --- errors that are told once ---


def _told_once(kind: Kind) -> None:
    def refused(c: Backend) -> int:
        """A datagram socket to which the kernel has said that nobody has the port: its owner hears another
        peer only, so that it is neither free for somebody else nor open to us."""
        owner, address = bound(c, kind)
        must(c, c.connect(owner, *bound(c, kind)[1]))
        fd = client(c, kind, address, c.SOCK_NONBLOCK)
        must(c, c.send(fd, b"x", 1, 0))
        entry = c.pollfd(fd=fd, events=0)
        must(c, c.poll(entry, 1, -1))  # POLLERR comes unasked
        return fd

    @case(
        f"send/{kind.name}/refused",
        "nobody has the port: the next send says so, once",
        error("ECONNREFUSED", "udp(7)", observed=["ECONNREFUSED", 1, "ECONNREFUSED"]),
        needs=[*kind.needs, "linux"],
    )
    def _(c: Backend, box: Box) -> list[int | str]:
        fd = refused(c)
        return [answer(c, c.send(fd, b"x", 1, 0)) for _ in range(3)]

    @case(
        f"recv/{kind.name}/refused",
        "nobody has the port: the next recv says so, once",
        error("EAGAIN", "udp(7)", observed=["ECONNREFUSED", "EAGAIN"]),
        needs=[*kind.needs, "linux"],
    )
    def _(c: Backend, box: Box) -> list[int | str]:
        fd = refused(c)
        return [answer(c, c.recv(fd, bytearray(1), 1, 0)) for _ in range(2)]

    @case(
        f"getsockopt/{kind.name}/pending-error",
        "SO_ERROR gives the pending error and clears it, and recv has nothing more to say",
        success("POSIX.1 getsockopt; socket(7) SO_ERROR", observed=["ECONNREFUSED", 0, "EAGAIN"]),
        needs=[*kind.needs, "linux"],
    )
    def _(c: Backend, box: Box) -> list[int | str]:
        fd = refused(c)
        errors = [option(c, fd, c.SOL_SOCKET, c.SO_ERROR) for _ in range(2)]
        first = "ECONNREFUSED" if errors[0] == c.ECONNREFUSED else errors[0]
        return [first, errors[1], answer(c, c.recv(fd, bytearray(1), 1, 0))]


_told_once(UDP)
_told_once(UDP6)


@case(
    "send/udp/unconnected-is-not-told",
    "a socket without a peer is not told that nobody has the port",
    error("EDESTADDRREQ", "udp(7)", observed=[1, 1, 0]),
    needs=["linux"],
)
def _(c: Backend, box: Box) -> list[int | str]:
    owner, address = bound(c, UDP)
    must(c, c.connect(owner, *bound(c, UDP)[1]))
    fd = UDP.socket(c)
    sent = [answer(c, c.sendto(fd, b"x", 1, 0, *address)) for _ in range(2)]
    c.send(fd, b"x", 1, 0)
    return [*sent, option(c, fd, c.SOL_SOCKET, c.SO_ERROR)]


@case(
    "recv/tcp/after-a-reset",
    "a reset is told once: ECONNRESET, and then the end of the stream",
    success("an experiment: tcp_reset in net/ipv4/tcp_input.c", observed=["ECONNRESET", 0, 0]),
    needs=["linux"],
)
def _(c: Backend, box: Box) -> list[int | str]:
    fd = reset(c, TCP)
    return [answer(c, _hear(c, fd)) for _ in range(3)]


@case(
    "send/tcp/after-a-reset",
    "a reset is told once: ECONNRESET, and then EPIPE",
    error("EPIPE", "POSIX.1 send; an experiment: sk_stream_wait_connect", observed=["ECONNRESET", "EPIPE", "EPIPE"]),
    needs=["linux"],
)
def _(c: Backend, box: Box) -> list[int | str]:
    fd = reset(c, TCP)
    return [answer(c, _say(c, fd)) for _ in range(3)]


@case(
    "recv/tcp/closed-with-unread-data",
    "a peer that closes and has not read everything resets the connection, and what it had sent is lost",
    error("ECONNRESET", "RFC 1122, 4.2.2.13; RFC 2525, 2.17"),
    needs=["linux"],
)
def _(c: Backend, box: Box) -> None:
    one, other = connected(c, TCP)
    must(c, c.send(one, b"unread", 6, 0))
    wait_readable(c, other)
    must(c, c.close(other))
    entry = c.pollfd(fd=one, events=0)
    must(c, c.poll(entry, 1, -1))
    _hear(c, one)


@case(
    "send/local-dgram/peer-closed-then-unconnected",
    "the first send to a peer that closed also dissolves the association",
    error(
        "ENOTCONN",
        "an experiment: unix_dgram_sendmsg in net/unix/af_unix.c",
        observed=["ECONNREFUSED", "ENOTCONN"],
    ),
    needs=["linux"],
)
def _(c: Backend, box: Box) -> list[int | str]:
    fd = peer_gone(c, LOCAL_DGRAM)
    return [answer(c, _say(c, fd)) for _ in range(2)]


@case(
    "sendto/local-dgram/other-type",
    "the path belongs to a stream",
    error("EPROTOTYPE", "POSIX.1 sendto"),
)
def _(c: Backend, box: Box) -> None:
    _, address = bound(c, LOCAL)
    c.sendto(LOCAL_DGRAM.socket(c), b"x", 1, 0, *address)


@case(
    "sendto/local-dgram/dead-path",
    "a path that nobody has open any more",
    error("ECONNREFUSED", "unix(7)"),
    needs=["linux"],
)
def _(c: Backend, box: Box) -> None:
    fd, address = bound(c, LOCAL_DGRAM)
    must(c, c.close(fd))
    c.sendto(LOCAL_DGRAM.socket(c), b"x", 1, 0, *address)


@case(
    "sendto/local-dgram/not-my-peer",
    "a socket that is connected to another peer does not let a stranger in",
    error("EPERM", "an experiment: unix_may_send in net/unix/af_unix.c"),
    needs=["linux"],
)
def _(c: Backend, box: Box) -> None:
    server, address = bound(c, LOCAL_DGRAM)
    must(c, c.connect(server, *bound(c, LOCAL_DGRAM, "friend")[1]))
    c.sendto(LOCAL_DGRAM.socket(c), b"x", 1, 0, *address)


# --- sizes ---


def _largest(id: str, kind: Kind, most: int, source: str, prepare: Callable[[Backend, int], object]) -> None:
    @case(
        f"send/{kind.name}/{id}",
        f"a message has at most {most} bytes",
        error("EMSGSIZE", source, observed=[most, "EMSGSIZE"]),
        needs=[*kind.needs, "linux"],
    )
    def _(c: Backend, box: Box) -> list[int | str]:
        fd = ours(c, kind)
        prepare(c, fd)
        return [answer(c, c.send(fd, bytes(length), length, 0)) for length in (most, most + 1)]


def _as_it_is(c: Backend, fd: int) -> None:
    pass


def _small_buffer(c: Backend, fd: int) -> None:
    must(c, set_option(c, fd, c.SOL_SOCKET, c.SO_SNDBUF, 4096))  # socket(7): doubled


_largest("longest-message", UDP, 65507, "POSIX.1 send; udp(7): 65535 less the headers of IPv4 and UDP", _as_it_is)
_largest("longest-message", UDP6, 65527, "POSIX.1 send; RFC 8200: 65535 less the header of UDP", _as_it_is)
_BUFFER = "POSIX.1 send; an experiment: SO_SNDBUF less 32 bytes, unix_dgram_sendmsg in net/unix/af_unix.c"
_largest("longest-message", LOCAL_DGRAM, 8160, _BUFFER, _small_buffer)
_largest("longest-message", LOCAL_SEQPACKET, 8160, _BUFFER, _small_buffer)


def _true_length(kind: Kind) -> None:
    @case(
        f"recv/{kind.name}/true-length",
        "MSG_TRUNC gives the length that the message really has, with MSG_PEEK without taking it",
        success("recv(2) MSG_TRUNC, MSG_PEEK", result=4, observed=[11, b"mess".hex(), 11, "EAGAIN", 4]),
        needs=[*kind.needs, "linux"],
    )
    def _(c: Backend, box: Box) -> list[int | str]:
        if kind.family == "AF_UNIX":
            sender, fd = pair(c, getattr(c, kind.type))
        else:
            fd, address = bound(c, kind)
            sender = client(c, kind, address)
        room = bytearray(4)
        must(c, c.send(sender, b"mess of 11!", 11, 0))
        lengths = [c.recv(fd, bytearray(0), 0, c.MSG_TRUNC | c.MSG_PEEK), c.recv(fd, room, 4, c.MSG_TRUNC)]
        again = answer(c, c.recv(fd, bytearray(4), 4, c.MSG_DONTWAIT))
        must(c, c.send(sender, b"mess of 11!", 11, 0))
        return [lengths[0], room.hex(), lengths[1], again, c.recv(fd, bytearray(4), 4, 0)]


for _kind in (UDP, UDP6, LOCAL_DGRAM, LOCAL_SEQPACKET):
    _true_length(_kind)


# --- what 0 bytes mean ---


@case(
    "recv/udp/0-bytes",
    "recv of 0 bytes takes a whole datagram off the queue",
    success("POSIX.1 recv: excess bytes are discarded; recv(2)", result=6, observed=[0, "second"]),
)
def _(c: Backend, box: Box) -> list[object]:
    fd, address = bound(c, UDP)
    sender, text = UDP.socket(c), bytearray(6)
    for word in (b"first ", b"second"):
        must(c, c.sendto(sender, word, 6, 0, *address))
    nothing = c.recv(fd, bytearray(1), 0, 0)
    c.recv(fd, text, 6, c.MSG_DONTWAIT)
    return [nothing, text.decode()]


@case(
    "read/udp/0-bytes",
    "read of 0 bytes leaves the datagram on the queue",
    success("an experiment: sock_read_iter in net/socket.c; recv(2)", result=6, observed=[0, "first "]),
    needs=["linux"],
)
def _(c: Backend, box: Box) -> list[object]:
    fd, address = bound(c, UDP)
    sender, text = UDP.socket(c), bytearray(6)
    for word in (b"first ", b"second"):
        must(c, c.sendto(sender, word, 6, 0, *address))
    nothing = c.read(fd, bytearray(1), 0)
    c.read(fd, text, 6)
    return [nothing, text.decode()]


def _empty_message(kind: Kind) -> None:
    @case(
        f"send/{kind.name}/empty-message",
        "a message of 0 bytes is a message: it is received as one",
        success("udp(7); unix(7)", observed=[0, 0, "EAGAIN"]),
        needs=kind.needs,
    )
    def _(c: Backend, box: Box) -> list[int | str]:
        if kind.family == "AF_UNIX":
            sender, fd = pair(c, getattr(c, kind.type))
        else:
            fd, address = bound(c, kind)
            sender = client(c, kind, address)
        c.send(sender, b"", 0, 0)
        return [0, *(answer(c, c.recv(fd, bytearray(1), 1, c.MSG_DONTWAIT)) for _ in range(2))]


for _kind in (UDP, UDP6, LOCAL_DGRAM):
    _empty_message(_kind)


def _nothing_sent(kind: Kind) -> None:
    @case(
        f"send/{kind.name}/0-bytes",
        "0 bytes of a stream are nothing: the other end hears nothing",
        success("POSIX.1 send", observed="EAGAIN"),
        needs=kind.needs,
    )
    def _(c: Backend, box: Box) -> int | str:
        one, other = connected(c, kind)
        c.send(one, b"", 0, 0)
        return answer(c, c.recv(other, bytearray(1), 1, c.MSG_DONTWAIT))


for _kind in (TCP, LOCAL):
    _nothing_sent(_kind)


# --- NULL, and what is lost with it ---


def _null_buffer(kind: Kind, then: int | str, shows: str, source: str) -> None:
    @case(
        f"recv/{kind.name}/null",
        f"recv with NULL as buffer: {shows}",
        error("EFAULT", "recv(2)"),
        needs=[*kind.needs, "linux"],
    )
    def _(c: Backend, box: Box) -> None:
        one, other = connected(c, kind) if kind is TCP else pair(c, getattr(c, kind.type))
        must(c, c.send(one, b"lost?", 5, 0))
        wait_readable(c, other)
        c.recv(other, None, 5, 0)

    @case(
        f"read/{kind.name}/null",
        f"read with NULL as buffer: {shows}",
        error("EFAULT", "read(2)", observed=then),
        needs=[*kind.needs, "linux"],
    )
    def _(c: Backend, box: Box) -> int | str:
        one, other = connected(c, kind) if kind is TCP else pair(c, getattr(c, kind.type))
        must(c, c.send(one, b"lost?", 5, 0))
        wait_readable(c, other)
        c.read(other, None, 5)
        return answer(c, c.recv(other, bytearray(5), 5, c.MSG_DONTWAIT))


_null_buffer(TCP, 5, "a stream keeps what could not be written", "an experiment: tcp_recvmsg_locked")
_null_buffer(LOCAL, 5, "a stream keeps what could not be written", "an experiment: unix_stream_read_generic")
_null_buffer(LOCAL_DGRAM, "EAGAIN", "the message is lost", "an experiment: __unix_dgram_recvmsg")
_null_buffer(LOCAL_SEQPACKET, "EAGAIN", "the message is lost", "an experiment: __unix_dgram_recvmsg")


def _lost_sender(id: str, shows: str, errno: str, length: int | None) -> None:
    @case(
        f"recvfrom/udp/{id}",
        f"{shows}: the datagram is lost",
        error(errno, "recvfrom(2); an experiment: __sys_recvfrom copies the address after the message"),
        needs=["linux"],
    )
    def _(c: Backend, box: Box) -> None:
        fd, address = bound(c, UDP)
        must(c, c.sendto(UDP.socket(c), b"x", 1, 0, *address))
        c.recvfrom(fd, bytearray(1), 1, 0, c.sockaddr_in(), None if length is None else c.socklen_t(length))


_lost_sender("null-addrlen", "a place for the address but NULL for its length", "EFAULT", None)
_lost_sender("negative-addrlen", "a negative length for the address", "EINVAL", -1)


@case(
    "recvfrom/udp/null-address",
    "NULL for the address asks for none, and the length stays as it is",
    success("POSIX.1 recvfrom", result=1, observed=99),
)
def _(c: Backend, box: Box) -> int:
    fd, address = bound(c, UDP)
    must(c, c.sendto(UDP.socket(c), b"x", 1, 0, *address))
    length = c.socklen_t(99)
    c.recvfrom(fd, bytearray(1), 1, 0, None, length)
    return int(length.value)


# --- waiting ---


def _interrupted(call: str, receive: Callable[[Backend, int], int]) -> None:
    @case(
        f"{call}/local/interrupted",
        f"a signal that is caught ends a blocked {call} with EINTR",
        error("EINTR", f"POSIX.1 {call}; signal(7)"),
        needs=["linux"],
    )
    def _(c: Backend, box: Box) -> None:
        one, other = pair(c, c.SOCK_STREAM)
        box.interrupt(then=lambda: os.write(other, b"x"))
        receive(c, one)


_interrupted("recv", _hear)
_interrupted("read", PROPER["read"])
_interrupted("recvfrom", lambda c, fd: c.recvfrom(fd, bytearray(1), 1, 0, None, None))
_interrupted("poll", lambda c, fd: c.poll(c.pollfd(fd=fd, events=c.POLLIN), 1, -1))


def _out_of_time(kind: Kind) -> None:
    @case(
        f"recv/{kind.name}/timeout",
        "SO_RCVTIMEO ends a recv that waits, with the errno of a socket that does not wait",
        error("EAGAIN", "POSIX.1 setsockopt SO_RCVTIMEO; socket(7)"),
        needs=kind.needs,
    )
    def _(c: Backend, box: Box) -> None:
        fd, patience = ours(c, kind), c.timeval(tv_usec=1)
        must(c, c.setsockopt(fd, c.SOL_SOCKET, c.SO_RCVTIMEO, patience, c.sizeof(patience)))
        _hear(c, fd)


for _kind in (TCP, UDP, LOCAL, LOCAL_DGRAM, LOCAL_SEQPACKET):
    _out_of_time(_kind)


@case(
    "recv/udp/shut-down",
    "shutdown of a datagram socket without a peer fails with ENOTCONN, and still ends what waits in recv",
    success("an experiment: inet_shutdown sets the mask after it has found no connection", observed="ENOTCONN"),
    needs=["linux"],
)
def _(c: Backend, box: Box) -> int | str:
    fd, _ = bound(c, UDP)
    said = answer(c, c.shutdown(fd, c.SHUT_RD))
    _hear(c, fd)
    return said


@case(
    "send/local-dgram/full-queue",
    "a receiver's queue holds max_dgram_qlen datagrams and one more, then a sender that does not wait gets EAGAIN",
    error("EAGAIN", "POSIX.1 send; an experiment: unix_recvq_full in net/unix/af_unix.c", observed=[1, 1, 1, "EAGAIN"]),
    needs=["linux", "netns"],
)
def _(c: Backend, box: Box) -> list[int | str]:
    machine.network()
    machine.setting("unix/max_dgram_qlen", "2")
    one = ours(c, LOCAL_DGRAM)
    return [answer(c, c.send(one, b"x", 1, c.MSG_DONTWAIT)) for _ in range(4)]


@case(
    "send/local-dgram/no-limit-between-two",
    "two that are connected to each other have no limit on their queues but the sender's buffer",
    success("an experiment: unix_dgram_sendmsg looks at the queue of other peers only", result=1, observed=[1] * 9),
    needs=["linux", "netns"],
)
def _(c: Backend, box: Box) -> list[int | str]:
    machine.network()
    machine.setting("unix/max_dgram_qlen", "2")
    one, _ = pair(c, c.SOCK_DGRAM)
    return [answer(c, c.send(one, b"x", 1, c.MSG_DONTWAIT)) for _ in range(9)]


@case(
    "send/local/full-buffer",
    "a stream whose buffer is full takes what fits, and then a sender that does not wait gets EAGAIN",
    error("EAGAIN", "POSIX.1 send", observed=[True, "EAGAIN"]),
    needs=["linux"],
)
def _(c: Backend, box: Box) -> list[object]:
    one, _ = pair(c, c.SOCK_STREAM)
    taken = c.send(one, bytes(2**20), 2**20, c.MSG_DONTWAIT)
    return [0 < taken < 2**20, answer(c, c.send(one, bytes(2**16), 2**16, c.MSG_DONTWAIT))]


@case(
    "recv/tcp/out-of-band",
    "one byte is out of band: it is received apart, once, and splits the stream where it was",
    error("EINVAL", "tcp(7); POSIX.1 recv", observed=["!", "before", "after", "EINVAL"]),
    needs=["linux"],
)
def _(c: Backend, box: Box) -> list[int | str]:
    one, other = connected(c, TCP)
    must(c, c.send(one, b"before", 6, 0))
    must(c, c.send(one, b"!", 1, c.MSG_OOB))
    must(c, c.send(one, b"after", 5, 0))
    must(c, c.poll(c.pollfd(fd=other, events=c.POLLPRI), 1, -1))
    urgent, before, after = bytearray(1), bytearray(20), bytearray(5)
    must(c, c.recv(other, urgent, 1, c.MSG_OOB))
    taken = must(c, c.recv(other, before, 20, 0))
    must(c, c.recv(other, after, 5, c.MSG_WAITALL))
    again = answer(c, _hear_oob(c, other))
    return [urgent.decode(), before[:taken].decode(), after.decode(), again]


@case(
    "recv/local/out-of-band",
    "a local stream has out-of-band data too, since Linux 5.15",
    success("unix(7); an experiment: unix_stream_recv_urg", result=1, observed="!"),
    error("EOPNOTSUPP", "a kernel without CONFIG_AF_UNIX_OOB"),
    needs=["linux"],
)
def _(c: Backend, box: Box) -> str | None:
    (one, other), urgent = pair(c, c.SOCK_STREAM), bytearray(1)
    c.send(one, b"!", 1, c.MSG_OOB)
    return urgent.decode() if c.recv(other, urgent, 1, c.MSG_OOB) == 1 else None


# --- poll ---


def _polls(id: str, shows: str, kind: Kind, state: State, revents: str, source: str) -> None:
    @case(f"poll/{kind.name}/{id}", shows, success(source, result=1, observed=revents), needs=[*kind.needs, "linux"])
    def _(c: Backend, box: Box) -> str:
        names = ("POLLIN", "POLLOUT", "POLLPRI", "POLLERR", "POLLHUP", "POLLRDHUP", "POLLNVAL")
        entry = c.pollfd(fd=state(c, kind), events=c.POLLIN | c.POLLOUT | c.POLLPRI | c.POLLRDHUP)
        c.poll(entry, 1, 0)
        return " ".join(name for name in names if entry.revents & getattr(c, name))


def _closed(c: Backend, kind: Kind) -> int:
    fd = kind.socket(c)
    must(c, c.close(fd))
    return fd


def _peer_half_closed(c: Backend, kind: Kind) -> int:
    one, other = connected(c, kind)
    must(c, c.shutdown(other, c.SHUT_WR))
    wait_readable(c, one)
    return one


def _both_half_closed(c: Backend, kind: Kind) -> int:
    fd = _peer_half_closed(c, kind)
    must(c, c.shutdown(fd, c.SHUT_WR))
    return fd


_EXPERIMENT = "an experiment: tcp_poll in net/ipv4/tcp.c"
_UNIX = "an experiment: unix_poll in net/unix/af_unix.c"
_polls("closed-descriptor", "a descriptor that is not open is invalid", TCP, _closed, "POLLNVAL", "POSIX.1 poll")
_polls("unconnected", "a stream that is not connected is hung up", TCP, fresh, "POLLOUT POLLHUP", _EXPERIMENT)
_polls("unconnected", "a stream that is not connected is hung up", LOCAL, fresh, "POLLOUT POLLHUP", _UNIX)
_polls("connected", "an idle connection can be written to", TCP, ours, "POLLOUT", "POSIX.1 poll")
_polls("half-closed-by-peer", "the end of the stream is readable, and POLLRDHUP says why", TCP, _peer_half_closed,
       "POLLIN POLLOUT POLLRDHUP", "poll(2) POLLRDHUP")  # fmt: skip
_polls("closed-both-ways", "with both directions shut down the connection is hung up", TCP, _both_half_closed,
       "POLLIN POLLOUT POLLHUP POLLRDHUP", "poll(2) POLLHUP; " + _EXPERIMENT)  # fmt: skip
_polls("reset", "a reset is an error, the end of the stream, and hung up", TCP, reset,
       "POLLIN POLLOUT POLLERR POLLHUP POLLRDHUP", "poll(2); " + _EXPERIMENT)  # fmt: skip
_polls("peer-closed", "the peer of a local stream closed", LOCAL, peer_gone, "POLLIN POLLOUT POLLHUP POLLRDHUP",
       "poll(2); " + _UNIX)  # fmt: skip
_polls("unconnected", "a datagram socket can always be written to", UDP, fresh, "POLLOUT", "POSIX.1 poll")


@case("poll/null", "NULL for the array", error("EFAULT", "poll(2)"), needs=["linux"])
def _(c: Backend, box: Box) -> None:
    c.poll(None, 1, 0)


@case("poll/nothing", "no entry and no time", success("POSIX.1 poll"))
def _(c: Backend, box: Box) -> None:
    c.poll((c.pollfd * 1)(), 0, 0)


@case(
    "poll/more-than-the-limit",
    "more entries than RLIMIT_NOFILE, which is looked at before the array",
    error("EINVAL", "poll(2)"),
    needs=["linux"],
)
def _(c: Backend, box: Box) -> None:
    with machine.descriptors_below(16):
        c.poll(None, 17, 0)


@case(
    "poll/local/negative-descriptor",
    "an entry with a negative descriptor is skipped, and its revents become 0",
    success("POSIX.1 poll", result=1, observed=[0, 4]),
)
def _(c: Backend, box: Box) -> list[int]:
    entries = (c.pollfd * 2)()
    entries[0].fd, entries[0].events, entries[0].revents = -1, c.POLLOUT, c.POLLOUT
    entries[1].fd, entries[1].events = pair(c, c.SOCK_STREAM)[0], c.POLLOUT
    c.poll(entries, 2, 0)
    return [entry.revents for entry in entries]


@case(
    "poll/local/one-descriptor-twice",
    "each entry is answered by itself: a descriptor that stands in two counts twice",
    success("POSIX.1 poll", result=2, observed=["POLLIN", "POLLOUT"]),
)
def _(c: Backend, box: Box) -> list[str]:
    one, other = pair(c, c.SOCK_STREAM)
    must(c, c.send(other, b"x", 1, 0))
    entries = (c.pollfd * 2)()
    entries[0].fd, entries[0].events = one, c.POLLIN
    entries[1].fd, entries[1].events = one, c.POLLOUT
    c.poll(entries, 2, 0)
    return [{c.POLLIN: "POLLIN", c.POLLOUT: "POLLOUT"}.get(entry.revents, "else") for entry in entries]


# --- files, descriptors and credentials ---


@case(
    "write/read-only-descriptor",
    "write on a descriptor that is open for reading",
    error("EBADF", "POSIX.1 write"),
)
def _(c: Backend, box: Box) -> None:
    c.write(box.pipe()[0], b"x", 1)


@case("read/write-only-descriptor", "read on a descriptor that is open for writing", error("EBADF", "POSIX.1 read"))
def _(c: Backend, box: Box) -> None:
    c.read(box.pipe()[1], bytearray(1), 1)


@case(
    "fcntl/tcp/full-table",
    "F_DUPFD finds no free number below the limit, and EINVAL where it is asked to begin beyond it",
    error("EINVAL", "POSIX.1 fcntl; fcntl(2)", observed=["EMFILE", "EINVAL"]),
    needs=["linux"],
)
def _(c: Backend, box: Box) -> list[int | str]:
    fd = TCP.socket(c)
    with machine.descriptors_below(fd + 1):
        return [answer(c, c.fcntl(fd, c.F_DUPFD, number)) for number in (0, fd + 1)]


@case(
    "getsockopt/local/peer-credentials",
    "SO_PEERCRED of a pair: the process that made it",
    success("unix(7) SO_PEERCRED", observed=[True, True, True]),
    needs=["linux"],
)
def _(c: Backend, box: Box) -> list[bool]:
    one, _ = pair(c, c.SOCK_STREAM)
    peer, length = c.ucred(), c.socklen_t(12)
    c.getsockopt(one, c.SOL_SOCKET, c.SO_PEERCRED, peer, length)
    return [peer.pid == os.getpid(), peer.uid == os.geteuid(), peer.gid == os.getegid()]


@case(
    "getsockopt/tcp/peer-credentials",
    "SO_PEERCRED of a socket that is not local: pid 0, and nobody's ids",
    success("an experiment: cred_to_ucred in net/core/sock.c", observed=[0, 0xFFFFFFFF, 0xFFFFFFFF]),
    needs=["linux"],
)
def _(c: Backend, box: Box) -> list[int]:
    fd, _ = connected(c, TCP)
    peer, length = c.ucred(), c.socklen_t(12)
    c.getsockopt(fd, c.SOL_SOCKET, c.SO_PEERCRED, peer, length)
    return [peer.pid, peer.uid, peer.gid]


@case(
    "getsockname/tcp/null-address",
    "NULL for the address is allowed where the length is 0",
    success("an experiment: move_addr_to_user in net/socket.c", observed=16),
    needs=["linux"],
)
def _(c: Backend, box: Box) -> int:
    length = c.socklen_t(0)
    c.getsockname(TCP.socket(c), None, length)
    return int(length.value)


@case(
    "close/tcp/unread-data-stays-with-a-duplicate",
    "closing one descriptor of a socket closes nothing while another one is open",
    success("POSIX.1 close", observed="still"),
)
def _(c: Backend, box: Box) -> str:
    one, other = connected(c, TCP)
    again, text = must(c, c.fcntl(other, c.F_DUPFD, 0)), bytearray(5)
    must(c, c.send(one, b"still", 5, 0))
    c.close(other)
    must(c, c.recv(again, text, 5, c.MSG_WAITALL))
    return text.decode()


@case(
    "sendto/udp/connected-to-another",
    "a connected datagram socket may still send to another address for once, and keeps its peer",
    success("POSIX.1 sendto: or EISCONN; udp(7)", result=5, observed=["other", True]),
    needs=["linux"],
)
def _(c: Backend, box: Box) -> list[object]:
    (_, first), (server, second) = bound(c, UDP), bound(c, UDP)
    fd, text = client(c, UDP, first), bytearray(5)
    c.sendto(fd, b"other", 5, 0, *second)
    must(c, c.recv(server, text, 5, 0))
    peer, length = c.sockaddr_in(), c.socklen_t(16)
    must(c, c.getpeername(fd, peer, length))
    return [text.decode(), bytes(peer) == bytes(first[0])]


@case(
    "sendto/udp/names-the-socket",
    "the first datagram gives a socket without a name the wildcard address and a free port",
    success("ip(7): INADDR_ANY and an ephemeral port", result=1, observed=[0, 0, True]),
    needs=["linux"],
)
def _(c: Backend, box: Box) -> list[object]:
    fd = UDP.socket(c)
    before = name_of(c, fd, UDP)[0].sin_port
    c.sendto(fd, b"x", 1, 0, *bound(c, UDP)[1])
    name = name_of(c, fd, UDP)[0]
    return [before, name.sin_addr.s_addr, name.sin_port != 0]
