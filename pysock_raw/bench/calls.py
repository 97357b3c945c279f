"""The jobs by C's calls, for whatever has them: a backend, or ctypes on libc. csrc/bench.c has the same in C."""

from __future__ import annotations

import os
from collections.abc import Iterable
from socket import AF_INET, MSG_WAITALL, SO_REUSEADDR, SOCK_STREAM, SOL_SOCKET, socketpair
from time import perf_counter_ns as clock
from typing import Any

from pysock_raw.bench import Block, Job, ends
from pysock_raw.bench.ends import BACKLOG, LONG, PACKETS, SHORT
from pysock_raw.structures import c_int, iovec, mmsghdr, sizeof, sockaddr_in, socklen_t


def must(c: Any, result: int) -> int:
    if result == -1:
        raise OSError(c.get_errno(), os.strerror(c.get_errno()))
    return result


def close_all(c: Any, fds: Iterable[int]) -> None:
    for fd in fds:
        must(c, c.close(fd))


def memory(c: Any) -> Any:
    """What makes a buffer to receive into."""
    return getattr(c, "create_string_buffer", bytearray)


def nothing(c: Any) -> Block:
    def block(times: int) -> int:
        start = clock()
        for _ in range(times):
            pass
        return clock() - start

    return block


def socket(c: Any) -> Block:
    def block(times: int) -> int:
        start = clock()
        fds = [c.socket(AF_INET, SOCK_STREAM, 0) for _ in range(times)]
        took = clock() - start
        close_all(c, fds)
        return took

    return block


def setsockopt(c: Any) -> Block:
    (fd, _), one, size = ends.listening(), c_int(1), sizeof(c_int)

    def block(times: int) -> int:
        start = clock()
        for _ in range(times):
            result = c.setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, one, size)
        took = clock() - start
        must(c, result)
        return took

    return block


def bind(c: Any) -> Block:
    address, size = ends.address(0), sizeof(sockaddr_in)

    def block(times: int) -> int:
        fds = [must(c, c.socket(AF_INET, SOCK_STREAM, 0)) for _ in range(times)]
        start = clock()
        for fd in fds:
            result = c.bind(fd, address, size)
        took = clock() - start
        must(c, result)
        close_all(c, fds)
        return took

    return block


def listen(c: Any) -> Block:
    fd, _ = ends.listening()

    def block(times: int) -> int:
        start = clock()
        for _ in range(times):
            result = c.listen(fd, BACKLOG)
        took = clock() - start
        must(c, result)
        return took

    return block


def accept(c: Any) -> Block:
    (fd, address), size = ends.listening(), sizeof(sockaddr_in)
    peer, length = sockaddr_in(), socklen_t(size)

    def block(times: int) -> int:
        clients = [must(c, c.socket(AF_INET, SOCK_STREAM, 0)) for _ in range(times)]
        for client in clients:
            must(c, c.connect(client, address, size))
        start = clock()
        servers = [c.accept(fd, peer, length) for _ in range(times)]
        took = clock() - start
        close_all(c, servers)
        close_all(c, clients)
        return took

    return block


def connect(c: Any) -> Block:
    (fd, address), size = ends.listening(), sizeof(sockaddr_in)

    def block(times: int) -> int:
        clients = [must(c, c.socket(AF_INET, SOCK_STREAM, 0)) for _ in range(times)]
        start = clock()
        for client in clients:
            c.connect(client, address, size)
        took = clock() - start
        close_all(c, [must(c, c.accept(fd, None, None)) for _ in range(times)])
        close_all(c, clients)
        return took

    return block


def connection(c: Any) -> Block:
    (fd, address), size = ends.listening(), sizeof(sockaddr_in)
    peer, length = sockaddr_in(), socklen_t(size)

    def block(times: int) -> int:
        start = clock()
        for _ in range(times):
            client = c.socket(AF_INET, SOCK_STREAM, 0)
            c.connect(client, address, size)
            c.close(c.accept(fd, peer, length))
            result = c.close(client)
        took = clock() - start
        must(c, result)
        return took

    return block


def _echo(c: Any, client: int, server: int) -> Block:
    data, buffer = bytes(SHORT), memory(c)(SHORT)

    def block(times: int) -> int:
        start = clock()
        for _ in range(times):
            c.send(client, data, SHORT, 0)
            c.recv(server, buffer, SHORT, 0)
            c.send(server, data, SHORT, 0)
            result = c.recv(client, buffer, SHORT, 0)
        took = clock() - start
        _all(c, result, SHORT)
        return took

    return block


def _all(c: Any, result: int, of: int) -> None:
    if must(c, result) != of:
        raise RuntimeError(f"{result} instead of {of}")


def tcp_echo(c: Any) -> Block:
    return _echo(c, *ends.fds(ends.tcp()))


def unix_echo(c: Any) -> Block:
    return _echo(c, *ends.fds(socketpair()))


def _messages(buffers: list[Any]) -> Any:
    messages, vectors = (mmsghdr * len(buffers))(), (iovec * len(buffers))()
    for message, vector, buffer in zip(messages, vectors, buffers, strict=True):
        vector.iov_base, vector.iov_len = buffer, SHORT
        message.msg_hdr.msg_iov, message.msg_hdr.msg_iovlen = vector, 1
    return messages


def udp_batch(c: Any) -> Block:
    sender, receiver = ends.fds(ends.udp())
    sent = _messages([bytes(SHORT)] * PACKETS)
    received = _messages([bytearray(SHORT) for _ in range(PACKETS)])

    def block(times: int) -> int:
        start = clock()
        for _ in range(times):
            c.sendmmsg(sender, sent, PACKETS, 0)
            result = c.recvmmsg(receiver, received, PACKETS, 0, None)
        took = clock() - start
        _all(c, result, PACKETS)
        return took

    return block


def bulk(c: Any) -> Block:
    client, server = ends.fds(ends.tcp())
    data, buffer = bytes(LONG), memory(c)(LONG)

    def block(times: int) -> int:
        start = clock()
        for _ in range(times):
            c.send(client, data, LONG, 0)
            result = c.recv(server, buffer, LONG, MSG_WAITALL)
        took = clock() - start
        _all(c, result, LONG)
        return took

    return block


JOBS: dict[str, Job] = {
    "socket": socket,
    "setsockopt": setsockopt,
    "bind": bind,
    "listen": listen,
    "accept": accept,
    "connect": connect,
    "connection": connection,
    "tcp-echo": tcp_echo,
    "unix-echo": unix_echo,
    "udp-batch": udp_batch,
    "bulk": bulk,
    "nothing": nothing,
}
