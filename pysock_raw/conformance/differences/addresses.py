"""Differences in the addresses that bind, connect, sendto and sendmsg take."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from pysock_raw.conformance.differences import given
from pysock_raw.conformance.differences.difference import Difference, raised
from pysock_raw.conformance.differences.history import maker
from pysock_raw.conformance.pairs import Pair
from pysock_raw.structures import sizeof, sockaddr_un

#: call -> how Python makes it with an address
IN_PYTHON = {
    "bind": "{sock}.bind({address})",
    "connect": "{sock}.connect({address})",
    "sendto": "{sock}.sendto(data, flags, {address})",
    "sendmsg": "{sock}.sendmsg(buffers, ancillary, flags, {address})",
}
TAKE_AN_ADDRESS = (*IN_PYTHON,)

#: call -> how Python makes it without an address
SEND = {"sendto": "sock.send(data, flags)", "sendmsg": "sock.sendmsg(buffers, ancillary, flags)"}


def _calls(call: str, sock: str = "sock", address: str = "address") -> str:
    return IN_PYTHON[call].format(sock=sock, address=address)


def as_family(family: str, call: str, address: str = "address") -> str:
    """The call with a socket object of another family, for which Python builds the address."""
    return f"""\
foreign = socket.socket({family}, sock.type, 0, fileno=fd)
try:
    result = {_calls(call, "foreign", address)}
finally:
    foreign.detach()
result"""


SAME_LENGTH = "bytes(addrlen - 2)"
"""An abstract name of AF_UNIX, which is as foreign as the address, and as long."""


def _family(pair: Pair) -> str | None:
    """The family in the address, where it is one with a name."""
    address = given.address(pair)
    family = address.get("family") if isinstance(address, dict) else None
    return family if isinstance(family, str) else None


# --- another family than the socket's ---


@dataclass(frozen=True)
class Foreign:
    """An address of one family for a socket object of another: how Python refuses it. The words of CPython come
    first, those of PyPy last; {call} stands for the call."""

    id: str
    title: str
    given: tuple[str, ...]
    words: tuple[str, ...]
    why: str
    evidence: str
    """The case, after its call."""
    broadcast: bool | None = None
    """Whether the address has to be 255.255.255.255, if that matters."""
    family: str = "{16: socket.AF_INET, 28: socket.AF_INET6}.get(addrlen, socket.AF_UNIX)"
    """Of the socket object in the recipe: what makes Python build the address."""
    address: str = "address"


FOREIGN = (
    Foreign(
        id="other-address-for-local-socket",
        title="the address of another family for an AF_UNIX socket",
        given=("AF_INET", "AF_INET6", "AF_NETLINK", "AF_PACKET", "AF_VSOCK"),
        words=("TypeError: a bytes-like object is required, not 'tuple'", "TypeError: expected bytes, got tuple"),
        why="getsockaddrarg in socketmodule.c wants a path, for the socket object is one of AF_UNIX",
        evidence="local-dgram/foreign-family",
    ),
    Foreign(
        id="path-for-ip-socket",
        title="an AF_UNIX path for an IP socket",
        given=("AF_UNIX",),
        words=(
            "TypeError: {call}(): AF_INET address must be tuple, not bytes",
            "TypeError: {call}(): AF_INET6 address must be tuple, not bytes",
            "TypeError: AF_INET6 address must be a tuple of length 2 to 4",
            "TypeError: string or unicode text buffer expected, not int",
            "ValueError: too many values to unpack",
        ),
        why="getsockaddrarg in socketmodule.c wants a tuple, for the socket object is one of AF_INET or AF_INET6",
        evidence="udp/path",
    ),
    Foreign(
        id="numbers-for-ip-socket",
        title="an AF_NETLINK, AF_PACKET or AF_VSOCK address for an IP socket",
        given=("AF_NETLINK", "AF_PACKET", "AF_VSOCK"),
        words=(
            "TypeError: str, bytes or bytearray expected, not int",
            "TypeError: AF_INET address must be a pair (host, port)",
            "TypeError: AF_INET6 address must be a tuple",
            "TypeError: string or unicode text buffer expected, not int",
            "ValueError: too many values to unpack",
        ),
        why="idna_converter and getsockaddrarg in socketmodule.c want host and port",
        evidence="udp/netlink-address",
        family="socket.AF_UNIX",
        address=SAME_LENGTH,
    ),
    Foreign(
        id="ipv6-address-for-ipv4-socket",
        title="an IPv6 address for an IPv4 socket",
        given=("AF_INET6",),
        words=("TypeError: AF_INET address must be a pair (host, port)", "ValueError: too many values to unpack"),
        why="getsockaddrarg in socketmodule.c wants a pair, for the socket object is one of AF_INET",
        evidence="udp/ipv6-address",
    ),
    Foreign(
        id="ipv4-address-for-ipv6-socket",
        title="an IPv4 address for an IPv6 socket",
        given=("AF_INET",),
        words=("gaierror: ", "OSError: address family mismatched"),
        why="setipaddr in socketmodule.c asks getaddrinfo for the host's IPv6 address",
        evidence="tcp6/ipv4-address",
        broadcast=False,
    ),
    Foreign(
        id="broadcast-address-for-ipv6-socket",
        title="255.255.255.255 for an IPv6 socket",
        given=("AF_INET",),
        words=("OSError: address family mismatched",),
        why="setipaddr in socketmodule.c knows this address by itself, and refuses it with no errno and no gaierror",
        evidence="tcp6/broadcast-address",
        broadcast=True,
    ),
    Foreign(
        id="other-address-for-netlink-socket",
        title="the address of another family for an AF_NETLINK or AF_VSOCK socket",
        given=("AF_INET", "AF_INET6", "AF_UNIX", "AF_PACKET"),
        words=(
            "TypeError: 'str' object cannot be interpreted as an integer",
            "TypeError: AF_NETLINK address must be a pair (pid, groups)",
            "TypeError: {call}(): AF_NETLINK address must be tuple, not bytes",
            "TypeError: getsockaddrarg",
            "TypeError: expected integer, got str object",
        ),
        why="getsockaddrarg in socketmodule.c wants two numbers, for the socket object is one of such a family",
        evidence="netlink/ip-address",
    ),
    Foreign(
        id="other-address-for-packet-socket",
        title="a path or numbers for an AF_PACKET socket",
        given=("AF_UNIX", "AF_NETLINK", "AF_VSOCK"),
        words=(
            "TypeError: {call}(): AF_PACKET address must be tuple, not bytes",
            "TypeError: AF_PACKET address must be a tuple of",
            "TypeError: expected str, got int object",
        ),
        why="getsockaddrarg in socketmodule.c wants the name of an interface and a protocol",
        evidence="packet/path",
    ),
)


def _is_broadcast(pair: Pair) -> bool:
    address = given.address(pair)
    return isinstance(address, dict) and address.get("addr") == "255.255.255.255"


def _taken_as_ipv4(pair: Pair) -> bool:
    """Whether the kernel takes an IPv4 address for this call as it is: on a datagram socket of IPv6."""
    made = maker(pair)
    if made is None or made.call != "socket" or pair.call == "bind":
        return False
    return made.argument("domain") == "AF_INET6" and str(made.argument("type")).startswith("SOCK_DGRAM")


def _foreign(call: str, foreign: Foreign) -> Callable[[Pair], bool]:
    words = tuple(text.format(call=call) for text in foreign.words)

    def recognises(pair: Pair) -> bool:
        return (
            pair.call == call
            and _family(pair) in foreign.given
            and foreign.broadcast in (None, _is_broadcast(pair))
            and not (foreign.broadcast is not None and _taken_as_ipv4(pair))
            and raised(pair, *words)
        )

    return recognises


def _ipv4_on_a_dual_stack(call: str) -> Callable[[Pair], bool]:
    def recognises(pair: Pair) -> bool:
        return (
            pair.call == call
            and _family(pair) == "AF_INET"
            and _taken_as_ipv4(pair)
            and raised(pair, "gaierror: ", "OSError: address family mismatched")
        )

    return recognises


def _interface_by_an_address(call: str) -> Callable[[Pair], bool]:
    """An IP address on a packet socket: its host is taken for the name of an interface, and its numbers for ints."""

    def recognises(pair: Pair) -> bool:
        made = maker(pair)
        if pair.call != call or made is None or made.argument("domain") != "AF_PACKET" or pair.c["result"] != -1:
            return False
        if _family(pair) not in ("AF_INET", "AF_INET6"):
            return False
        looked_up = pair.other["errno"] == "ENODEV" or raised(pair, "OSError: invalid interface name")
        large = max(given.address(pair).get(number, 0) for number in ("flowinfo", "scope_id")) >= 2**31
        return looked_up or (large and raised(pair, "OverflowError: "))

    return recognises


def _numbers_of_another_family(call: str) -> Callable[[Pair], bool]:
    """(pid, groups) where (cid, port) was meant, or the other way round."""
    numbers = {"AF_NETLINK", "AF_VSOCK"}

    def recognises(pair: Pair) -> bool:
        made = maker(pair)
        return (
            pair.call == call
            and made is not None
            and {_family(pair), made.argument("domain")} == numbers
            and pair.c["result"] == -1
            and pair.other["raised"] is None
        )

    return recognises


def _without_interface(call: str) -> Callable[[Pair], bool]:
    """The index of a packet socket's address is 0, or that of no interface."""

    def recognises(pair: Pair) -> bool:
        return (
            pair.call == call
            and _family(pair) == "AF_PACKET"
            and pair.c["errno"] != "ENODEV"
            and (pair.other["errno"] == "ENODEV" or raised(pair, "OSError: invalid interface name"))
        )

    return recognises


# --- no family, and families without a form ---


def _inexpressible(call: str, sentence: str) -> Callable[[Pair], bool]:
    def recognises(pair: Pair) -> bool:
        return (
            pair.call == call
            and isinstance(given.address(pair), dict)
            and raised(pair, f"Inexpressible: {sentence}")
            and not _without_an_address(pair)
        )

    return recognises


UNSPECIFIED = "no address of Python has the family AF_UNSPEC"


def _without_an_address(pair: Pair) -> bool:
    """AF_UNSPEC on an IPv6 datagram socket: udpv6_sendmsg takes it for no address."""
    return pair.call in SEND and _family(pair) == "AF_UNSPEC" and _taken_as_ipv4(pair)


def _unspecified_for_ipv6(call: str) -> Callable[[Pair], bool]:
    def recognises(pair: Pair) -> bool:
        return pair.call == call and _without_an_address(pair) and raised(pair, f"Inexpressible: {UNSPECIFIED}")

    return recognises


# --- what does not fit the form ---


def _too_long(call: str, fits: bool) -> Callable[[Pair], bool]:
    """A name that fills sun_path without a NUL (`fits`), or a longer one."""

    def recognises(pair: Pair) -> bool:
        addrlen = given.length(pair)
        return (
            pair.call == call
            and _family(pair) == "AF_UNIX"
            and isinstance(addrlen, int)
            and (addrlen == sizeof(sockaddr_un) if fits else addrlen > sizeof(sockaddr_un))
            and raised(pair, "OSError: AF_UNIX path too long")
        )

    return recognises


def _flow_label(call: str) -> Callable[[Pair], bool]:
    def recognises(pair: Pair) -> bool:
        address = given.address(pair)
        return (
            pair.call == call
            and _family(pair) == "AF_INET6"
            and address.get("flowinfo", 0) > 0xFFFFF
            and raised(pair, f"OverflowError: {call}(): flowinfo must be", "OverflowError: flowinfo must be")
        )

    return recognises


ENTRIES: tuple[Difference, ...] = (
    *(
        Difference(
            id=f"{call}-{foreign.id}",
            title=f"{call}, {foreign.title}: C asks the kernel, Python raises an exception",
            c="The kernel answers: -1 with EAFNOSUPPORT or EINVAL, or what the state of the socket is worth before "
            "that; a connected stream ignores the address of sendto and sendmsg.",
            python=f"{foreign.words[0].format(call=call).partition(':')[0]} before the kernel is asked.",
            why=foreign.why,
            recipe=as_family(foreign.family, call, foreign.address),
            evidence=f"{call}/{foreign.evidence}",
            predicate=_foreign(call, foreign),
        )
        for foreign in FOREIGN
        for call in TAKE_AN_ADDRESS
    ),
    *(
        Difference(
            id=f"{call}-ipv4-address-for-ipv6-datagrams",
            title=f"{call}, an IPv4 address for a UDP socket over IPv6: C uses it, Python raises gaierror",
            c="A datagram socket of IPv6 takes an IPv4 address as it is, for ::ffff:a.b.c.d.",
            python="gaierror before the kernel is asked.",
            why="setipaddr in socketmodule.c asks getaddrinfo for the host's IPv6 address",
            recipe=_calls(call, address='("::ffff:" + address[0], address[1])'),
            evidence=f"{call}/udp6/v4-address",
            predicate=_ipv4_on_a_dual_stack(call),
        )
        for call in ("connect", *SEND)
    ),
    *(
        Difference(
            id=f"{call}-ip-address-for-packet-socket",
            title=f"{call}, an IP address for an AF_PACKET socket: C says what is wrong, Python looks for an interface",
            c="-1 with EINVAL; connect says EOPNOTSUPP to any address.",
            python="The host is taken for the name of an interface, and ENODEV is the answer to looking it up. A flow "
            "label or scope that is no int is an OverflowError before.",
            why="getsockaddrarg in socketmodule.c asks SIOCGIFINDEX for the first member of the tuple",
            recipe=as_family("socket.AF_INET", call),
            evidence=f"{call}/packet/ip-address",
            predicate=_interface_by_an_address(call),
        )
        for call in TAKE_AN_ADDRESS
    ),
    *(
        Difference(
            id=f"{call}-numbers-of-another-family",
            title=f"{call}, an AF_VSOCK address for an AF_NETLINK socket: C refuses it, Python uses its numbers",
            c="-1 with EINVAL: the family is not the socket's. (AF_NETLINK for AF_VSOCK is the same.)",
            python="Both addresses are two numbers, and the socket object takes those of the one for the other.",
            why="getsockaddrarg in socketmodule.c writes the family of the socket object",
            recipe=as_family("socket.AF_UNIX", call, SAME_LENGTH),
            evidence=f"{call}/netlink/vsock-address",
            predicate=_numbers_of_another_family(call),
        )
        for call in TAKE_AN_ADDRESS
    ),
    *(
        Difference(
            id=f"{call}-address-without-interface",
            title=f"{call}, an AF_PACKET address with the index of no interface: C asks the kernel, Python a name",
            c="sll_ifindex is an index. For bind 0 stands for all interfaces (packet(7)); sendto and sendmsg say ENXIO "
            "to an index that no interface has, and connect EOPNOTSUPP to any address.",
            python="An address has the name of an interface; where there is none, looking it up ends in ENODEV.",
            why="getsockaddrarg in socketmodule.c asks SIOCGIFINDEX for the first member of the tuple",
            no_recipe="there is no name for such an index; a protocol for all interfaces can be given to socket.socket",
            evidence=f"{call}/packet/{evidence}",
            predicate=_without_interface(call),
        )
        for call, evidence in (
            ("bind", "every-interface"),
            ("connect", "cannot-connect"),
            *((call, "no-interface") for call in SEND),
        )
    ),
    Difference(
        id="bind-unspecified-family",
        title="bind to AF_UNSPEC: C takes the wildcard address for AF_INET, Python has no such address",
        c="AF_UNSPEC with INADDR_ANY is AF_INET on an IPv4 socket, and EAFNOSUPPORT elsewhere.",
        python="An address has the family of the socket object.",
        why="getsockaddrarg in socketmodule.c writes sock_family",
        recipe='sock.bind(("0.0.0.0", socket.ntohs(addr.sin_port)))',
        evidence="bind/udp/unspecified-family",
        predicate=_inexpressible("bind", UNSPECIFIED),
    ),
    Difference(
        id="connect-unspecified-family",
        title="connect to AF_UNSPEC: C dissolves the connection, Python has no such address",
        c="A datagram socket loses its peer, a TCP connection is reset, a listener stops (connect(2)).",
        python="An address has the family of the socket object.",
        why="getsockaddrarg in socketmodule.c writes sock_family",
        no_recipe="no address of Python has another family than its socket; make a new socket",
        evidence="connect/udp/unspecified",
        predicate=_inexpressible("connect", UNSPECIFIED),
    ),
    *(
        Difference(
            id=f"{call}-unspecified-family",
            title=f"{call} to AF_UNSPEC: C asks the kernel, Python has no such address",
            c="A UDP socket sends to the IPv4 address in it; others say EINVAL, with MSG_FASTOPEN EOPNOTSUPP.",
            python="An address has the family of the socket object.",
            why="getsockaddrarg in socketmodule.c writes sock_family",
            recipe='port, host = struct.unpack_from("!2xH4s", addr)\n'
            + _calls(call, address="(socket.inet_ntoa(host), port)"),
            evidence=f"{call}/udp/unspecified-family",
            predicate=_inexpressible(call, UNSPECIFIED),
        )
        for call in SEND
    ),
    *(
        Difference(
            id=f"{call}-unspecified-family-for-ipv6",
            title=f"{call} to AF_UNSPEC over IPv6: C takes it for no address, Python has no such address",
            c="A UDP socket of IPv6 sends to its peer, as with NULL.",
            python="An address has the family of the socket object.",
            why="getsockaddrarg in socketmodule.c writes sock_family",
            recipe=recipe,
            evidence=f"{call}/udp6/unspecified-family",
            predicate=_unspecified_for_ipv6(call),
        )
        for call, recipe in SEND.items()
    ),
    *(
        Difference(
            id=f"{call}-family-without-form",
            title=f"{call} to an address of any family: C passes its bytes on, Python builds those that it knows",
            c="The kernel sees the bytes, whatever their family, and refuses one that is not the socket's.",
            python="An address is a tuple or a path of the socket's own family. (AF_CAN, AF_TIPC, AF_ALG and "
            "AF_BLUETOOTH have such a form too, which pysock_raw does not translate; the rest has none.)",
            why="getsockaddrarg in socketmodule.c raises OSError, bad family, for all others",
            no_recipe="there is no tuple for these bytes",
            evidence=f"{call}/udp/family-without-form",
            predicate=_inexpressible(call, "there is no form for an address of family"),
        )
        for call in TAKE_AN_ADDRESS
    ),
    *(
        Difference(
            id=f"{call}-path-of-108-bytes",
            title=f"{call} to an AF_UNIX path of 108 bytes: C uses all of sun_path, Python wants room for a NUL",
            c="A path may fill sun_path without a NUL at its end (unix(7)).",
            python="OSError without errno, before the kernel is asked: AF_UNIX path too long. (Where another program "
            "has bound such a path, Python reads on beyond it for its NUL, in memory that the kernel never wrote.)",
            why="getsockaddrarg in socketmodule.c demands a length below sizeof sun_path",
            no_recipe="Python passes no such name on; os.chdir to its directory and use a shorter relative path",
            evidence=f"{call}/{'local-dgram' if call in SEND else 'local'}/path-of-108-bytes",
            predicate=_too_long(call, fits=True),
        )
        for call in TAKE_AN_ADDRESS
    ),
    *(
        Difference(
            id=f"{call}-name-beyond-sun-path",
            title=f"{call} to an AF_UNIX name that is too long: C asks the kernel, Python raises OSError without errno",
            c="-1 with EINVAL for more than the 110 bytes of sockaddr_un; a connected stream ignores the address.",
            python="OSError without errno, before the kernel is asked: AF_UNIX path too long.",
            why="getsockaddrarg in socketmodule.c compares the length with sizeof sun_path",
            recipe=f"""\
if addrlen > 110:
    raise OSError(errno.EINVAL, os.strerror(errno.EINVAL))
{_calls(call)}""",
            evidence=f"{call}/{'local-dgram' if call in SEND else 'local'}/name-beyond-sun-path",
            predicate=_too_long(call, fits=False),
        )
        for call in TAKE_AN_ADDRESS
    ),
    *(
        Difference(
            id=f"{call}-flow-label-beyond-20-bits",
            title=f"{call} with more than 20 bits of sin6_flowinfo: C passes them on, Python raises OverflowError",
            c="The kernel looks at flow label and traffic class only if IPV6_FLOWINFO_SEND asks for it.",
            python="OverflowError before the kernel is asked.",
            why="getsockaddrarg in socketmodule.c takes a flow label of 20 bits",
            recipe="host, port, flowinfo, scope_id = address\n"
            + _calls(call, address="(host, port, flowinfo & 0xFFFFF, scope_id)"),
            evidence=f"{call}/udp6/flow-label-beyond-20-bits",
            predicate=_flow_label(call),
        )
        for call in TAKE_AN_ADDRESS
    ),
)
