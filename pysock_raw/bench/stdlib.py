"""The jobs by socket objects, as one writes them who knows the module: recv_into, addresses made once."""

from __future__ import annotations

import socket as _socket
from collections.abc import Iterable
from socket import AF_INET, MSG_WAITALL, SO_REUSEADDR, SOCK_STREAM, SOL_SOCKET, socketpair
from time import perf_counter_ns as clock
from typing import Any

from pysock_raw.bench import Block, Job, calls, ends
from pysock_raw.bench.ends import BACKLOG, HOST, LONG, PACKETS, SHORT


def close_all(sockets: Iterable[_socket.socket]) -> None:
    for sock in sockets:
        sock.close()


def socket(_: Any) -> Block:
    def block(times: int) -> int:
        start = clock()
        made = [_socket.socket(AF_INET, SOCK_STREAM) for _ in range(times)]
        took = clock() - start
        close_all(made)
        return took

    return block


def setsockopt(_: Any) -> Block:
    sock = ends.listener()

    def block(times: int) -> int:
        start = clock()
        for _ in range(times):
            sock.setsockopt(SOL_SOCKET, SO_REUSEADDR, 1)
        return clock() - start

    return block


def bind(_: Any) -> Block:
    address = HOST, 0

    def block(times: int) -> int:
        made = [_socket.socket(AF_INET, SOCK_STREAM) for _ in range(times)]
        start = clock()
        for sock in made:
            sock.bind(address)
        took = clock() - start
        close_all(made)
        return took

    return block


def listen(_: Any) -> Block:
    sock = ends.listener()

    def block(times: int) -> int:
        start = clock()
        for _ in range(times):
            sock.listen(BACKLOG)
        return clock() - start

    return block


def accept(_: Any) -> Block:
    listener = ends.listener()
    address = listener.getsockname()

    def block(times: int) -> int:
        clients = [_socket.socket(AF_INET, SOCK_STREAM) for _ in range(times)]
        for client in clients:
            client.connect(address)
        start = clock()
        servers = [listener.accept() for _ in range(times)]
        took = clock() - start
        close_all(server for server, _ in servers)
        close_all(clients)
        return took

    return block


def connect(_: Any) -> Block:
    listener = ends.listener()
    address = listener.getsockname()

    def block(times: int) -> int:
        clients = [_socket.socket(AF_INET, SOCK_STREAM) for _ in range(times)]
        start = clock()
        for client in clients:
            client.connect(address)
        took = clock() - start
        close_all(listener.accept()[0] for _ in range(times))
        close_all(clients)
        return took

    return block


def connection(_: Any) -> Block:
    listener = ends.listener()
    address = listener.getsockname()

    def block(times: int) -> int:
        start = clock()
        for _ in range(times):
            client = _socket.socket(AF_INET, SOCK_STREAM)
            client.connect(address)
            server, _peer = listener.accept()
            server.close()
            client.close()
        return clock() - start

    return block


def _echo(client: _socket.socket, server: _socket.socket) -> Block:
    data, buffer = bytes(SHORT), bytearray(SHORT)

    def block(times: int) -> int:
        start = clock()
        for _ in range(times):
            client.send(data)
            server.recv_into(buffer)
            server.send(data)
            client.recv_into(buffer)
        return clock() - start

    return block


def tcp_echo(_: Any) -> Block:
    return _echo(*ends.tcp())


def unix_echo(_: Any) -> Block:
    return _echo(*socketpair())


def udp_batch(_: Any) -> Block:
    sender, receiver = ends.udp()
    data, buffer = bytes(SHORT), bytearray(SHORT)

    def block(times: int) -> int:
        start = clock()
        for _ in range(times):
            for _ in range(PACKETS):
                sender.send(data)
            for _ in range(PACKETS):
                receiver.recv_into(buffer)
        return clock() - start

    return block


def bulk(_: Any) -> Block:
    client, server = ends.tcp()
    data, buffer = bytes(LONG), bytearray(LONG)

    def block(times: int) -> int:
        start = clock()
        for _ in range(times):
            client.send(data)
            server.recv_into(buffer, LONG, MSG_WAITALL)
        return clock() - start

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
    "nothing": calls.nothing,
}
