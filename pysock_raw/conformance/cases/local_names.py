"""AF_UNIX: abstract names through their whole life."""

from __future__ import annotations

from collections.abc import Callable

from pysock_raw.backends.contract import Backend
from pysock_raw.conformance.box import Box
from pysock_raw.conformance.case import case, descriptor, error, success
from pysock_raw.conformance.kinds import (
    LOCAL,
    LOCAL_DGRAM,
    LOCAL_SEQPACKET,
    Address,
    Kind,
    answer,
    bound,
    listener,
    local,
    must,
    name_of,
    option,
    set_option,
)


def _life(kind: Kind) -> None:
    @case(
        f"connect/{kind.name}/abstract-name",
        "an abstract name is found by connect and is what getpeername says; a client may have one too",
        success("unix(7)", observed=[True, True, True]),
        needs=["linux"],
    )
    def _(c: Backend, box: Box) -> list[bool]:
        address, own = local(c, box.abstract_name + b"server"), local(c, box.abstract_name + b"client")
        server, fd = kind.socket(c), kind.socket(c)
        must(c, c.bind(server, *address))
        if kind.type != "SOCK_DGRAM":
            must(c, c.listen(server, 5))
        must(c, c.bind(fd, *own))
        c.connect(fd, *address)
        heard = [c.sockaddr_un() for _ in range(3)]
        lengths = [c.socklen_t(110) for _ in range(3)]
        must(c, c.getpeername(fd, heard[0], lengths[0]))
        must(c, c.getsockname(fd, heard[1], lengths[1]))
        if kind.type == "SOCK_DGRAM":
            must(c, c.send(fd, b"x", 1, 0))
            must(c, c.recvfrom(server, bytearray(1), 1, 0, heard[2], lengths[2]))
        else:
            must(c, c.accept(server, heard[2], lengths[2]))
        expected = (address, own, own)
        return [
            bytes(name)[: length.value] == bytes(right)[:size]
            for name, length, (right, size) in zip(heard, lengths, expected, strict=True)
        ]

    @case(
        f"bind/{kind.name}/abstract-name-free-again",
        "an abstract name is free again as soon as its socket is closed: nothing is left to unlink",
        success("unix(7)", observed=["EADDRINUSE", 0]),
        needs=["linux"],
    )
    def _(c: Backend, box: Box) -> list[int | str]:
        address = local(c, box.abstract_name)
        fd, other = kind.socket(c), kind.socket(c)
        must(c, c.bind(fd, *address))
        taken = answer(c, c.bind(other, *address))
        must(c, c.close(fd))
        return [taken, answer(c, c.bind(other, *address))]

    @case(
        f"bind/{kind.name}/autobind-is-idempotent",
        "a socket without a name gets one of 8 bytes, NUL and five hexadecimal digits; asking again changes nothing",
        success("unix(7) Autobind feature", observed=[8, True, True]),
        needs=["linux"],
    )
    def _(c: Backend, box: Box) -> list[object]:
        fd, family = kind.socket(c), c.sockaddr_un(sun_family=c.AF_UNIX)
        must(c, c.bind(fd, family, 2))
        (name, length), digits = name_of(c, fd, kind), b"0123456789abcdef"
        c.bind(fd, family, 2)
        text = bytes(name)[2:length]
        again = bytes(name_of(c, fd, kind)[0])
        return [length, text[:1] == b"\0" and all(digit in digits for digit in text[1:]), again == bytes(name)]

    @case(
        f"bind/{kind.name}/path-after-autobind",
        "a name that the kernel gave is a name: there is no second one",
        error("EINVAL", "POSIX.1 bind; unix(7)"),
        needs=["linux"],
    )
    def _(c: Backend, box: Box) -> None:
        fd = kind.socket(c)
        must(c, c.bind(fd, c.sockaddr_un(sun_family=c.AF_UNIX), 2))
        c.bind(fd, *kind.address(c))


for _kind in (LOCAL, LOCAL_DGRAM, LOCAL_SEQPACKET):
    _life(_kind)


@case(
    "bind/local/abstract-names-have-lengths",
    "each byte of an abstract name counts, also NULs: with one more or one less it is another name",
    error(
        "EADDRINUSE",
        "unix(7): null bytes in the name have no special significance",
        observed=[0, 0, 0, 0, "EADDRINUSE"],
    ),
    needs=["linux"],
)
def _(c: Backend, box: Box) -> list[int | str]:
    name = box.abstract_name
    names = (name, name + b"\0", name + b"\0\0", name + b"\0x", name + b"\0")
    return [answer(c, c.bind(LOCAL.socket(c), *local(c, each))) for each in names]


@case(
    "bind/local/longest-abstract-name",
    "an abstract name has at most the 108 bytes of sun_path, its NUL among them",
    success("unix(7)", observed=110),
    needs=["linux"],
)
def _(c: Backend, box: Box) -> int:
    fd = LOCAL.socket(c)
    c.bind(fd, *local(c, box.abstract_name.ljust(108, b"x")))
    return name_of(c, fd, LOCAL)[1]


@case(
    "connect/local/abstract-name-of-nobody",
    "an abstract name that nobody has refuses, where a path that is not there is missing",
    error("ECONNREFUSED", "unix(7); connect(2)"),
    needs=["linux"],
)
def _(c: Backend, box: Box) -> None:
    c.connect(LOCAL.socket(c), *local(c, box.abstract_name))


@case(
    "connect/local/abstract-name-is-no-path",
    "an abstract name and a path of the same letters are two names",
    error("ECONNREFUSED", "unix(7); connect(2)"),
    needs=["linux"],
)
def _(c: Backend, box: Box) -> None:
    listener(c, LOCAL)
    c.connect(LOCAL.socket(c), *local(c, b"\0server"))


@case(
    "accept/local/autobound-peer-name",
    "a client that the kernel named has that name for the server",
    descriptor("unix(7) Autobind feature", observed=[8, True]),
    needs=["linux"],
)
def _(c: Backend, box: Box) -> list[object]:
    server, address = listener(c, LOCAL)
    fd, peer, length = LOCAL.socket(c), c.sockaddr_un(), c.socklen_t(110)
    must(c, c.bind(fd, c.sockaddr_un(sun_family=c.AF_UNIX), 2))
    must(c, c.connect(fd, *address))
    c.accept(server, peer, length)
    return [length.value, bytes(peer) == bytes(name_of(c, fd, LOCAL)[0])]


def _passes_credentials(call: str, use: Callable[[Backend, int, Address], int], result: int) -> None:
    @case(
        f"{call}/local-dgram/autobind-for-credentials",
        f"{call} gives a socket with SO_PASSCRED a name, so that it can be answered",
        success("unix(7) Autobind feature, SO_PASSCRED", result=result, observed=[2, 8]),
        needs=["linux"],
    )
    def _(c: Backend, box: Box) -> list[int]:
        _, address = bound(c, LOCAL_DGRAM)
        fd = LOCAL_DGRAM.socket(c)
        must(c, set_option(c, fd, c.SOL_SOCKET, c.SO_PASSCRED, 1))
        before = name_of(c, fd, LOCAL_DGRAM)[1]
        use(c, fd, address)
        return [before, name_of(c, fd, LOCAL_DGRAM)[1]]


_passes_credentials("connect", lambda c, fd, to: c.connect(fd, *to), 0)
_passes_credentials("sendto", lambda c, fd, to: c.sendto(fd, b"x", 1, 0, *to), 1)


@case(
    "getsockopt/local-seqpacket/type",
    "SO_TYPE, SO_DOMAIN and SO_PROTOCOL of a sequenced-packet socket",
    success("socket(7); unix(7)", observed=[True, True, 0]),
    needs=["linux"],
)
def _(c: Backend, box: Box) -> list[object]:
    fd = LOCAL_SEQPACKET.socket(c)
    type, domain, protocol = (option(c, fd, c.SOL_SOCKET, name) for name in (c.SO_TYPE, c.SO_DOMAIN, c.SO_PROTOCOL))
    return [type == c.SOCK_SEQPACKET, domain == c.AF_UNIX, protocol]
