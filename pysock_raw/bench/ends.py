"""The sockets that jobs work with, made off the clock and left open to the end of the run."""

from __future__ import annotations

import socket
import struct

from pysock_raw.structures import sockaddr_in

HOST = "127.0.0.1"
BACKLOG, SHORT, PACKETS, LONG = 64, 16, 64, 65536


def listener() -> socket.socket:
    """On a free port. What it accepts inherits SO_LINGER: closed first, it resets the connection, so that no TIME_WAIT
    heaps up."""
    made = socket.socket()
    made.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    made.bind((HOST, 0))
    made.listen(BACKLOG)
    return made


def tcp() -> tuple[socket.socket, socket.socket]:
    with listener() as made:
        client = socket.create_connection(made.getsockname())
        return client, made.accept()[0]


def udp() -> tuple[socket.socket, socket.socket]:
    """A sender, connected to a receiver."""
    sender, receiver = socket.socket(type=socket.SOCK_DGRAM), socket.socket(type=socket.SOCK_DGRAM)
    receiver.bind((HOST, 0))
    sender.connect(receiver.getsockname())
    return sender, receiver


def listening() -> tuple[int, sockaddr_in]:
    """The descriptor of a listener, and its address."""
    made = listener()
    _, port = made.getsockname()
    return made.detach(), address(port)


def fds(pair: tuple[socket.socket, socket.socket]) -> tuple[int, int]:
    one, other = pair
    return one.detach(), other.detach()


def address(port: int) -> sockaddr_in:
    made = sockaddr_in(sin_family=socket.AF_INET, sin_port=socket.htons(port))
    made.sin_addr.s_addr = socket.htonl(socket.INADDR_LOOPBACK)
    return made
