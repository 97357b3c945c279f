"""The documents' server: prints the message of one client, answers it and ends.

csrc/examples/server.c line by line. Run as `python -m pysock_raw.examples.server inet stream 127.0.0.1 8080`.
"""

from __future__ import annotations

import os
import stat
import sys
from contextlib import suppress

import pysock_raw as c
from pysock_raw.examples.address import ARGUMENTS, Endpoint, fail, parse, printf

ANSWER = b"Hello from server"


def unlink(path: bytes) -> None:
    with suppress(OSError):  # as C's, when nobody looks at its result
        os.unlink(path)


def remove_leftover(path: bytes, at: Endpoint) -> None:
    """A local server that was killed leaves its path behind, and bind would find it in use. Nobody
    holds such a path any more if even a datagram connect, which no server notices, is refused."""
    if not os.path.lexists(path) or not stat.S_ISSOCK(os.lstat(path).st_mode):
        return
    probe = c.socket(c.AF_UNIX, c.SOCK_DGRAM, 0)
    if probe == -1:
        fail("socket")
    if c.connect(probe, at.addr, at.addrlen.value) == -1 and c.get_errno() == c.ECONNREFUSED:
        unlink(path)
    c.close(probe)


def announce(sockfd: int, address: bytes, at: Endpoint) -> None:
    """Tell that clients may come now, and to which port if the kernel was to choose it (PORT 0)."""
    if at.domain == c.AF_UNIX:
        printf(b"listening on %s\n", address)
    else:
        if c.getsockname(sockfd, at.addr, at.addrlen) == -1:
            fail("getsockname")
        # sin6_port stands where sin_port does.
        printf(b"listening on %s %d\n", address, c.ntohs(c.sockaddr_in.from_buffer(at.addr).sin_port))
    sys.stdout.flush()


def serve_stream(sockfd: int) -> None:
    addr = c.sockaddr_storage()
    addrlen = c.socklen_t(c.sizeof(addr))
    message = bytearray(1024)

    # 5. Accept: the connection is established, on a socket of its own.
    new_socket = c.accept(sockfd, addr, addrlen)
    if new_socket == -1:
        fail("accept")
    received = c.recv(new_socket, message, len(message), 0)
    if received == -1:
        fail("recv")
    printf(b"%.*s\n", received, message)
    if c.send(new_socket, ANSWER, len(ANSWER), c.MSG_NOSIGNAL) == -1:
        fail("send")
    c.close(new_socket)


def serve_dgram(sockfd: int) -> None:
    """Without connections there is nothing to accept: the client's address comes with its message."""
    addr = c.sockaddr_storage()
    addrlen = c.socklen_t(c.sizeof(addr))
    message = bytearray(1024)

    received = c.recvfrom(sockfd, message, len(message), 0, addr, addrlen)
    if received == -1:
        fail("recvfrom")
    printf(b"%.*s\n", received, message)
    if c.sendto(sockfd, ANSWER, len(ANSWER), 0, addr, addrlen.value) == -1:
        fail("sendto")


def main(argc: int, argv: list[bytes]) -> int:
    at = Endpoint()
    if not parse(argc, argv, at):
        sys.stderr.write(f"usage: server {ARGUMENTS}\n")
        return 2
    address = argv[3]

    # 1. Socket creation
    sockfd = c.socket(at.domain, at.type, 0)
    if sockfd == -1:
        fail("socket")

    # 2. Setsockopt: bind may take a port that an earlier server used (and on Linux even one that another
    # datagram server uses now). There is no such option for a path.
    if at.domain == c.AF_UNIX:
        remove_leftover(address, at)
    else:
        one = c.c_int(1)
        if c.setsockopt(sockfd, c.SOL_SOCKET, c.SO_REUSEADDR, one, c.sizeof(one)) == -1:
            fail("setsockopt")

    # 3. Bind
    if c.bind(sockfd, at.addr, at.addrlen.value) == -1:
        fail("bind")

    # 4. Listen
    if at.type == c.SOCK_STREAM and c.listen(sockfd, 3) == -1:
        fail("listen")
    announce(sockfd, address, at)

    # 5. Accept
    if at.type == c.SOCK_STREAM:
        serve_stream(sockfd)
    else:
        serve_dgram(sockfd)

    c.close(sockfd)
    if at.domain == c.AF_UNIX:
        unlink(address)
    return 0


if __name__ == "__main__":
    sys.exit(main(len(sys.argv), [os.fsencode(arg) for arg in sys.argv]))
