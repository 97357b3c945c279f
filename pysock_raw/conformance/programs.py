"""Random programs over all calls of the API, as Hypothesis draws and shrinks them.

A program is a list of steps, and a step is a line of Python: what is drawn is what can be run again. A step refers to
what earlier steps made (the newest descriptor, the one before) only when it is written, so that Hypothesis may drop
any other step. No call waits for long: `ends` gives every descriptor a time limit that C knows too. No call ends the
program either: where it raises on one side alone, that side goes on as C does, and what comes after is compared too.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from hypothesis import strategies as st

from pysock_raw.backends import load
from pysock_raw.constants import GROUPS

PRELUDE = (Path(__file__).parent / "prelude.txt").read_text()


@dataclass(frozen=True)
class Made:
    """What an earlier step made: of a kind, counted from the newest."""

    kind: str
    back: int


@dataclass(frozen=True)
class Step:
    """A line: {} in its text stand for its values. `makes` are the kinds of what it assigns, `within` what it is in
    beside `going_on`."""

    text: str
    values: tuple[str | Made, ...] = ()
    makes: tuple[str, ...] = ()
    within: str = ""


#: kind of what a step makes -> what it is until then, and if the step raises
UNMADE = {"fd": "-1", "name": "(None, 0)"}


@dataclass
class _Written:
    lines: list[str] = field(default_factory=list)
    made: dict[str, list[str]] = field(default_factory=lambda: {kind: [] for kind in UNMADE})

    def add(self, step: Step) -> None:
        line, within = (text.format(*map(self._value, step.values)) for text in (step.text, step.within))
        names = []
        for kind in step.makes:
            self.made[kind].append(f"{kind}{len(self.made[kind]) + 1}")
            names.append(self.made[kind][-1])
        managers = f"going_on, {within}" if within else "going_on"
        self.lines.append(f"with {managers}: {', '.join(names)} = {line}" if names else f"with {managers}: {line}")

    def unmade(self) -> list[str]:
        """Lines that give all that is made a value before."""
        lines = [" = ".join([*names, UNMADE[kind]]) for kind, names in self.made.items() if names]
        return [*lines, ""] if lines else []

    def _value(self, value: str | Made) -> str:
        if isinstance(value, str):
            return value
        made = self.made[value.kind]
        if not made:
            return {"fd": "999", "name": "inet(0, 0)"}[value.kind]
        return made[-1 - value.back % len(made)]


def script(steps: Iterable[Step]) -> str:
    """The program as a script that `pysock-raw compare` takes."""
    written = _Written()
    for step in steps:
        written.add(step)
    return "\n\n".join([PRELUDE, "\n".join([*written.unmade(), *written.lines, ""])])


# --- values ---


def _names(*prefixes: str, without: str = "") -> list[str]:
    """The constants of some groups that every side has, as a program writes them."""
    known = load("python").CONSTANTS
    return [
        f"c.{name}" for prefix in prefixes for name in GROUPS[prefix] if name in known and name not in without.split()
    ]


def _made(kind: str) -> st.SearchStrategy[Made]:
    return st.builds(Made, st.just(kind), st.integers(0, 4))


def _text(*choices: object) -> st.SearchStrategy[str]:
    return st.sampled_from([str(choice) for choice in choices])


INTS = (0, 1, 2, 3, 5, 16, 17, 255, 256, 1023, 4096, 65535, 65536, 2**31 - 1, -1, -2, -(2**31))
#: No 3: half a port cannot be told from another.
LENGTHS = (0, 1, 2, 4, 5, 7, 8, 12, 15, 16, 20, 24, 27, 28, 29, 64, 108, 109, 110, 111, 127, 128, 129, 200)

ints = _text(*INTS)
fds = st.one_of(
    *[_made("fd")] * 12,
    _text("pipe[0]", "pipe[1]", -1, -2, 999, "2**31 - 1", 0),
)

#: Values that differ from run to run or make the kernel do what has no end soon.
UNSTEADY = """
    SO_COOKIE SO_PEERCRED SO_INCOMING_CPU SO_MEMINFO SO_PEERPIDFD SO_RCVTIMEO SO_SNDTIMEO SO_LINGER SO_INCOMING_NAPI_ID
    TCP_CC_INFO TCP_TIMESTAMP TCP_INFO TCP_REPAIR TCP_DEFER_ACCEPT TCP_ULP TCP_CONGESTION TCP_SAVED_SYN
    TCP_FASTOPEN_KEY TCP_QUEUE_SEQ SO_PEERSEC TCP_TX_DELAY SO_MAX_PACING_RATE
"""

domains = st.one_of(*[_text("c.AF_INET", "c.AF_INET6", "c.AF_UNIX")] * 6, _text(*_names("AF_")), ints)
kinds = st.one_of(*[_text("c.SOCK_STREAM", "c.SOCK_DGRAM")] * 4, _text(*_names("SOCK_")), ints)
types = st.builds(
    lambda kind, flag: kind + flag,
    kinds,
    _text("", "", "", " | c.SOCK_NONBLOCK", " | c.SOCK_CLOEXEC", " | c.SOCK_NONBLOCK | c.SOCK_CLOEXEC", " | 1 << 20"),
)
protocols = st.one_of(*[_text(0)] * 8, _text(*_names("IPPROTO_")), ints)
message_flags = st.one_of(
    *[_text(0)] * 2,
    _text(*_names("MSG_", without="MSG_ZEROCOPY")),
    st.builds(" | ".join, st.lists(_text(*_names("MSG_", without="MSG_ZEROCOPY")), min_size=2, max_size=3)),
    _text("1 << 30", "0x10000", -1, "-(2**31)"),
)

HOSTS = ("c.INADDR_LOOPBACK", "c.INADDR_ANY", "c.INADDR_BROADCAST", "0x7F000002", "0xE0000001", "0x0A000001")
HOSTS6 = ("::1", "::", "::ffff:127.0.0.1", "::127.0.0.1", "fe80::1", "ff02::1", "2001:db8::1")
PATHS = (b"", b"p", b"none/p", b".", b"\0", b"\0name", b"p\0", b"p\0q", b"\xff", b"a" * 107, b"a" * 108, b"\0" * 108)

known_addresses = st.one_of(
    st.builds("inet({}, {})".format, _text(*HOSTS), _text(0, 0, 1)),
    st.builds(
        'inet6("{}", {}, {}, {})'.format,
        _text(*HOSTS6),
        _text(0, 0, 1),
        _text(0, 0, 5, 2**20, 2**31),
        _text(0, 0, 1, 99),
    ),
    st.builds("local({!r})".format, st.sampled_from(PATHS)),
    st.builds("inet({}, 0, {})".format, _text(*HOSTS), _text("c.AF_UNSPEC", "c.AF_INET6", "c.AF_UNIX", 999)),
)
raw_addresses = st.builds(
    "raw({}, {!r})".format,
    _text("c.AF_UNSPEC", "c.AF_INET", "c.AF_INET6", "c.AF_UNIX", "c.AF_NETLINK", 999),
    st.binary(max_size=130),
)
addresses = st.one_of(
    *[known_addresses.map("*{}".format)] * 4,
    st.builds("*cut({}, {})".format, known_addresses, _text(*LENGTHS, -1, -16)),
    raw_addresses.map("*{}".format),
    st.builds("*cut({}, {})".format, raw_addresses, _text(*LENGTHS)),
    st.builds("None, {}".format, _text(0, 16, -1)),
)

rooms = st.one_of(
    _text("None, None"),
    st.builds("bytearray({0}), c.socklen_t({0})".format, _text(128, 16, 28, 110)),
    st.builds(
        "bytearray(128), c.socklen_t({})".format, _text(*(length for length in LENGTHS if length <= 128), 2**32 - 1)
    ),
    _text("None, c.socklen_t(16)", "None, c.socklen_t(0)", "bytearray(16), None"),
)
sizes = _text(*LENGTHS, 1024, 1025, 4096)
buffers = st.one_of(
    *[st.builds("bytearray({0}), {0}".format, sizes)] * 5,
    st.builds("None, {}".format, _text(0, 1, 16)),
)
data = st.one_of(
    *[st.builds("bytes({0}), {0}".format, sizes)] * 3,
    _text('b"ping", 4', 'b"ping", 2', 'b"", 0', 'b"ping", 0', "bytes(70000), 70000"),
    st.builds("None, {}".format, _text(0, 1, 16)),
)
contents = st.builds(
    "[{}]".format, st.lists(_text("b'ping'", "b''", "bytes(100)", "bytes(70000)"), max_size=3).map(", ".join)
)
spaces = st.builds(
    "[{}]".format, st.lists(_text("bytearray(4)", "bytearray(0)", "bytearray(100)"), max_size=3).map(", ".join)
)
names_room = _text("(None, 0)", "(None, 0)", "(bytearray(128), 128)", "(bytearray(16), 4)")
controls_room = _text(None, None, "bytearray(64)", "bytearray(24)", "bytearray(64), 20", "bytearray(4)")
options = st.one_of(
    *[
        st.builds("{}, {}".format, st.just(f"c.{level}"), _text(*_names(prefix, without=UNSTEADY)))
        for level, prefix in (
            ("SOL_SOCKET", "SO_"),
            ("IPPROTO_IP", "IP_"),
            ("IPPROTO_IPV6", "IPV6_"),
            ("IPPROTO_TCP", "TCP_"),
        )
    ],
    _text("c.SOL_SOCKET, 9999", "c.IPPROTO_IP, 9999", "999, 1", "-1, 1", "c.IPPROTO_TCP, 9999", "c.IPPROTO_UDP, 1"),
)
option_values = st.one_of(
    *[st.builds("c.c_int({}), 4".format, ints)] * 4,
    st.builds("bytes({0}), {0}".format, sizes),
    st.builds("c.c_int({}), {}".format, ints, _text(0, 1, 2, 3, -1)),
    _text('b"lo", 2', 'b"none", 4', "c.linger(1, 0), 8", "c.timeval(0, 1), 16", "None, 0", "None, 4", "None, -1"),
)
option_rooms = st.one_of(
    *[_text("c.c_int(), c.socklen_t(4)")] * 3,
    st.builds("bytearray({0}), c.socklen_t({0})".format, sizes),
    st.builds("bytearray(64), c.socklen_t({})".format, _text(0, 1, 2, 3, 5, 63)),
    _text("None, c.socklen_t(4)", "None, c.socklen_t(0)", "c.c_int(), None", "None, None"),
)
poll_events = st.one_of(_text(*_names("POLL")), _text("c.POLLIN | c.POLLOUT", 0, -1, 0x7FFF))
COMMANDS = (
    "c.F_GETFD, 0",
    "c.F_GETFL, 0",
    "c.F_SETFD, 0",
    "c.F_SETFD, c.FD_CLOEXEC",
    "c.F_GETOWN, 0",
    "c.F_SETFL, c.O_NONBLOCK",
    "c.F_SETFL, 0",
    "9999, 0",
)


# --- steps ---


def _step(
    text: str, *values: st.SearchStrategy[str | Made], makes: tuple[str, ...] = (), within: str = ""
) -> st.SearchStrategy[Step]:
    return st.builds(Step, st.just(text), st.tuples(*values), st.just(makes), st.just(within))


_FD, _TWO, _THREE = ("fd",), ("fd",) * 2, ("fd",) * 3
_listening = st.builds(
    "{}, {}".format, st.one_of(_text("inet(c.INADDR_LOOPBACK, 0)", 'inet6("::1", 0)', 'local(b"path")')), types
)

BEGINNINGS: tuple[st.SearchStrategy[Step], ...] = (
    *[_step("connected({})", _listening, makes=_THREE)] * 2,
    _step("connected({}, False)", _listening, makes=_THREE),
    _step("pair({})", types, makes=_TWO),
    *[_step("ends(c.socket({}, {}, {}))", domains, types, protocols, makes=_FD)] * 4,
)
STEPS: tuple[st.SearchStrategy[Step], ...] = (
    *BEGINNINGS,
    *[_step("name({})", fds, makes=("name",))] * 2,
    _step("c.setsockopt({}, {}, {})", fds, options, option_values),
    _step("c.bind({}, {})", fds, addresses),
    _step("c.bind({}, *{})", fds, _made("name")),
    *[_step("c.listen({}, {})", fds, ints)] * 2,
    *[_step("ends(c.accept({}, {}))", fds, rooms, makes=_FD)] * 2,
    _step("c.connect({}, {})", fds, addresses),
    *[_step("c.connect({}, *{})", fds, _made("name"))] * 2,
    _step("ends(c.accept4({}, {}, {}))", fds, rooms, _text(0, "c.SOCK_NONBLOCK", "c.SOCK_CLOEXEC", -1, 1), makes=_FD),
    _step("c.socketpair({}, {}, {}, {})", domains, types, protocols, _text("None", "bytearray(8)")),
    _step("c.getsockopt({}, {}, {})", fds, options, option_rooms),
    _step("c.getsockname({}, {})", fds, rooms),
    _step("c.getpeername({}, {})", fds, rooms),
    _step("c.shutdown({}, {})", fds, _text(0, 1, 2, 3, -1)),
    _step("c.close({})", fds),
    _step("c.read({}, {})", fds, buffers),
    _step("c.write({}, {})", fds, data),
    _step("c.send({}, {}, {})", fds, data, message_flags),
    _step("c.recv({}, {}, {})", fds, buffers, message_flags),
    _step("c.sendto({}, {}, {}, {})", fds, data, message_flags, addresses),
    _step("c.sendto({}, {}, {}, *{})", fds, data, message_flags, _made("name")),
    _step("c.recvfrom({}, {}, {}, {})", fds, buffers, message_flags, rooms),
    _step("c.sendmsg({}, message({}), {})", fds, contents, message_flags),
    _step("c.sendmsg({}, message({}, {}), {})", fds, contents, _made("name"), message_flags),
    _step("c.sendmsg({}, message({}, {}), {})", fds, contents, known_addresses, message_flags),
    _step("c.sendmsg({}, message([b'x'], control=rights({})), 0)", fds, fds),
    _step("c.recvmsg({}, message({}, {}, {}), {})", fds, spaces, names_room, controls_room, message_flags),
    _step("c.{}msg({}, None, 0)", _text("send", "recv"), fds),
    _step("c.sendmmsg({}, *batch(message({}), message({})), {})", fds, contents, contents, message_flags),
    _step("c.recvmmsg({}, *batch(message({}), message({})), {}, None)", fds, spaces, spaces, message_flags),
    _step("socket.setdefaulttimeout({})", _text(None, None, 0, 0.003)),
    _step(
        "c.poll((c.pollfd * 2)(c.pollfd({}, {}), c.pollfd({}, {})), {}, {})",
        fds,
        poll_events,
        fds,
        poll_events,
        _text(0, 1, 2),
        _text(0, 1),
    ),
    _step("c.poll(c.pollfd(999), 1, {})", _text(-1, -2, 2**31 - 1)),
    _step("ends(c.fcntl({}, c.F_DUPFD, {}))", fds, _text(0, 10, 100, -1), makes=_FD),
    _step("c.recv({0}, bytearray(4), 4, 0)", fds, _text(True, False), within="signalled({0}, {1})"),
    _step("c.accept({0}, None, None)", fds, _text(True, False), within="signalled({0}, {1})"),
    _step("c.fcntl({}, {})", fds, st.sampled_from(COMMANDS)),
)

programs = st.builds(lambda first, rest: [first, *rest], st.one_of(BEGINNINGS), st.lists(st.one_of(STEPS), max_size=12))
