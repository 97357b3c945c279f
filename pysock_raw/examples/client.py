"""The documents' client: sends its message to the server and prints the answer.

csrc/examples/client.c line by line. Run as `python -m pysock_raw.examples.client inet stream 127.0.0.1 8080`.
"""

from __future__ import annotations

import os
import sys

import pysock_raw as c
from pysock_raw.examples.address import ARGUMENTS, Endpoint, fail, parse, printf

MESSAGE = b"Hello from client"


def bind_to_any_name(sockfd: int) -> None:
    """A datagram socket needs a name for the server to answer to. The inet families give it one by
    themselves; on AF_UNIX an address that ends after its family asks for one (autobind, unix(7))."""
    addr = c.sockaddr_storage(ss_family=c.AF_UNIX)
    if c.bind(sockfd, addr, c.sockaddr_storage.ss_family.size) == -1:
        fail("bind")


def main(argc: int, argv: list[bytes]) -> int:
    to = Endpoint()
    if not parse(argc, argv, to):
        sys.stderr.write(f"usage: client {ARGUMENTS}\n")
        return 2

    # 1. Socket creation
    sockfd = c.socket(to.domain, to.type, 0)
    if sockfd == -1:
        fail("socket")
    if to.domain == c.AF_UNIX and to.type == c.SOCK_DGRAM:
        bind_to_any_name(sockfd)

    # 2. Connect: on a datagram socket this only notes where send is to send to.
    if c.connect(sockfd, to.addr, to.addrlen.value) == -1:
        fail("connect")

    answer = bytearray(1024)
    if c.send(sockfd, MESSAGE, len(MESSAGE), c.MSG_NOSIGNAL) == -1:
        fail("send")
    received = c.recv(sockfd, answer, len(answer), 0)
    if received == -1:
        fail("recv")
    printf(b"%.*s\n", received, answer)

    c.close(sockfd)
    return 0


if __name__ == "__main__":
    sys.exit(main(len(sys.argv), [os.fsencode(arg) for arg in sys.argv]))
