"""The companions of the six calls, and the errnos that scripts meet with them: one row, one case.

A row names a state that a socket is in and makes one call. What needs more steps follows the tables."""

from __future__ import annotations

from collections.abc import Callable

from pysock_raw.backends.contract import Backend
from pysock_raw.conformance.box import Box
from pysock_raw.conformance.case import Outcome, case, error, success
from pysock_raw.conformance.cases.bad_descriptors import PROPER
from pysock_raw.conformance.kinds import (
    LOCAL,
    LOCAL_DGRAM,
    LOCAL_SEQPACKET,
    TCP,
    TCP6,
    UDP,
    UDP6,
    Kind,
    bound,
    client,
    connected,
    inet,
    inet6,
    listener,
    local,
    must,
    pair,
    wait_readable,
)

Call = Callable[[Backend, int], int]
State = Callable[[Backend, Kind], int]


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


def say(c: Backend, fd: int) -> int:
    return c.send(fd, b"x", 1, 0)


def hear(c: Backend, fd: int) -> int:
    return c.recv(fd, bytearray(1), 1, 0)


def _oob(c: Backend, fd: int) -> int:
    return c.send(fd, b"!", 1, c.MSG_OOB)


def hear_oob(c: Backend, fd: int) -> int:
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
    ("send/tcp/unconnected", "Linux says EPIPE where POSIX says ENOTCONN", TCP, fresh, say,
     error("EPIPE", "an experiment: sk_stream_wait_connect in net/core/stream.c")),
    ("send/tcp/listening", "a listener is not connected", TCP, listening, say,
     error("EPIPE", "an experiment: sk_stream_wait_connect in net/core/stream.c")),
    ("send/tcp/half-closed", "after shutdown of the writing direction", TCP, half_closed, say,
     error("EPIPE", "POSIX.1 send")),
    ("send/tcp/without-signal", "MSG_NOSIGNAL keeps SIGPIPE away, the errno is the same", TCP, half_closed,
     lambda c, fd: c.send(fd, b"x", 1, c.MSG_NOSIGNAL), error("EPIPE", "POSIX.1 send")),
    ("send/tcp/reset", "the first send after a reset", TCP, reset, say,
     error("ECONNRESET", "POSIX.1 send")),
    ("send/local/unconnected", "a local stream is not connected", LOCAL, fresh, say,
     error("ENOTCONN", "POSIX.1 send")),
    ("send/local/half-closed", "after shutdown of the writing direction", LOCAL, half_closed, say,
     error("EPIPE", "POSIX.1 send")),
    ("send/local/peer-closed", "the peer of a local stream closed", LOCAL, peer_gone, say,
     error("EPIPE", "POSIX.1 send; unix(7)")),
    ("send/local/deaf-peer", "the peer of a local stream does not receive any more", LOCAL, deaf, say,
     error("EPIPE", "an experiment: unix_stream_sendmsg in net/unix/af_unix.c")),
    ("send/local-seqpacket/unconnected", "a sequenced-packet socket is not connected", LOCAL_SEQPACKET, fresh, say,
     error("ENOTCONN", "POSIX.1 send")),
    ("send/local-seqpacket/peer-closed", "the peer of a sequenced-packet socket closed", LOCAL_SEQPACKET, peer_gone,
     say, error("EPIPE", "unix(7)")),
    ("send/local-dgram/unconnected", "Linux says ENOTCONN where POSIX says EDESTADDRREQ", LOCAL_DGRAM, fresh, say,
     error("ENOTCONN", "an experiment: unix_dgram_sendmsg in net/unix/af_unix.c")),
    ("send/local-dgram/peer-closed", "the peer of a local datagram socket closed", LOCAL_DGRAM, peer_gone, say,
     error("ECONNREFUSED", "unix(7)")),
    ("send/local-dgram/deaf-peer", "the peer does not receive any more", LOCAL_DGRAM, deaf, say,
     error("EPIPE", "unix(7)")),
    ("send/udp/unconnected", "no peer and no address", UDP, fresh, say, error("EDESTADDRREQ", "POSIX.1 send")),
    ("send/udp6/unconnected", "no peer and no address", UDP6, fresh, say, error("EDESTADDRREQ", "POSIX.1 send")),
    ("send/udp/half-closed", "after shutdown of the writing direction", UDP, half_closed, say,
     error("EPIPE", "POSIX.1 send")),
    ("send/udp/out-of-band", "datagrams have no out-of-band data", UDP, ours, _oob,
     error("EOPNOTSUPP", "POSIX.1 send")),
    ("send/local-dgram/out-of-band", "datagrams have no out-of-band data", LOCAL_DGRAM, ours, _oob,
     error("EOPNOTSUPP", "POSIX.1 send; unix(7)")),
    ("send/local-seqpacket/out-of-band", "packets have no out-of-band data", LOCAL_SEQPACKET, ours, _oob,
     error("EOPNOTSUPP", "POSIX.1 send; unix(7)")),
    # recv
    ("recv/tcp/unconnected", "a stream that is not connected", TCP, fresh, hear, error("ENOTCONN", "POSIX.1 recv")),
    ("recv/tcp/listening", "a listener receives connections only", TCP, listening, hear,
     error("ENOTCONN", "POSIX.1 recv")),
    ("recv/tcp/reset", "the connection was reset", TCP, reset, hear, error("ECONNRESET", "POSIX.1 recv")),
    ("recv/local/unconnected", "Linux says EINVAL where POSIX says ENOTCONN", LOCAL, fresh, hear,
     error("EINVAL", "an experiment: unix_stream_read_generic in net/unix/af_unix.c")),
    ("recv/local-seqpacket/unconnected", "a sequenced-packet socket is not connected", LOCAL_SEQPACKET, fresh, hear,
     error("ENOTCONN", "POSIX.1 recv")),
    ("recv/local/peer-closed", "the end of the stream", LOCAL, peer_gone, hear, success("POSIX.1 recv")),
    ("recv/local/peer-closed-unread", "the peer of a local stream left data unread", LOCAL, peer_gone_unread, hear,
     error("ECONNRESET", "an experiment: unix_release_sock in net/unix/af_unix.c")),
    ("recv/local-seqpacket/peer-closed", "the end of the connection", LOCAL_SEQPACKET, peer_gone, hear,
     success("POSIX.1 recv; unix(7)")),
    ("recv/tcp/no-out-of-band", "no out-of-band data has come", TCP, ours, hear_oob,
     error("EINVAL", "POSIX.1 recv")),
    ("recv/local-dgram/out-of-band", "datagrams have no out-of-band data", LOCAL_DGRAM, named, hear_oob,
     error("EOPNOTSUPP", "POSIX.1 recv")),
    ("recv/udp/nothing", "O_NONBLOCK, and no datagram", UDP, nonblocking, hear, error("EAGAIN", "POSIX.1 recv")),
    ("recv/local-dgram/nothing", "O_NONBLOCK, and no datagram", LOCAL_DGRAM, nonblocking, hear,
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
