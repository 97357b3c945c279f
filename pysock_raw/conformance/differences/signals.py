"""Differences in calls that a caught signal interrupts."""

from __future__ import annotations

from collections.abc import Callable

from pysock_raw.conformance.differences.difference import Difference, raised
from pysock_raw.conformance.differences.timeouts import IN_PYTHON, TIMED_OUT
from pysock_raw.conformance.pairs import Pair

#: The recipe's beginning: a handler that ends the call with EINTR.
INTERRUPT = """\
handler = signal.getsignal(signal.SIGUSR1)
def interrupt(number, frame):
    handler(number, frame)
    raise InterruptedError(errno.EINTR, "a signal was caught")
signal.signal(signal.SIGUSR1, interrupt)
"""

PYTHON = IN_PYTHON | {"recvfrom": "sock.recvfrom_into(view, 0, flags)"}
RETRIED = tuple(call for call in PYTHON if call != "connect")
#: The calls for many messages, which the fallback makes of those for one
OF_ONE = {"sendmmsg": "sendmsg", "recvmmsg": "recvmsg"}


def _retried(call: str) -> Callable[[Pair], bool]:
    def recognises(pair: Pair) -> bool:
        went_on = pair.other["raised"] is None and pair.other["errno"] != "EINTR"
        return call in (pair.call, OF_ONE.get(pair.call)) and pair.c["errno"] == "EINTR" and went_on

    return recognises


def _waited(pair: Pair) -> bool:
    went_on = pair.other["raised"] is None or raised(pair, TIMED_OUT)
    return pair.call == "connect" and pair.c["errno"] == "EINTR" and pair.other["errno"] != "EINTR" and went_on


ENTRIES: tuple[Difference, ...] = (
    *(
        Difference(
            id=f"{call}-goes-on-after-signal",
            title=f"{call} and a caught signal: C's call ends with EINTR, Python's goes on",
            c="A blocking call that a signal handler interrupted returns -1 with EINTR (signal(7)).",
            python="The handler runs, and the call is made again until it returns something else.",
            why="PEP 475; sock_call_ex in socketmodule.c, _Py_read and _Py_write in fileutils.c",
            recipe=INTERRUPT + PYTHON[call],
            evidence=f"{call}/{'tcp' if call == 'accept' else 'local'}/interrupted",
            predicate=_retried(call),
            no_fallback=True,
        )
        for call in RETRIED
    ),
    Difference(
        id="poll-goes-on-after-signal",
        title="poll and a caught signal: C's call ends with EINTR, Python's goes on",
        c="poll returns -1 with EINTR (signal(7)).",
        python="The handler runs, and poll waits for what is left of its time.",
        why="PEP 475; select_poll_poll_impl in selectmodule.c",
        recipe=INTERRUPT
        + """\
poller = select.poll()
for entry in [fds] if nfds == 1 else fds:
    poller.register(entry.fd, entry.events)
len(poller.poll(timeout))""",
        evidence="poll/local/interrupted",
        predicate=_retried("poll"),
        no_fallback=True,
    ),
    Difference(
        id="connect-waits-after-signal",
        title="connect and a caught signal: C ends with EINTR, Python waits until the descriptor is writable",
        c="connect returns -1 with EINTR. A TCP connection goes on by itself; an AF_UNIX one was never made.",
        python="Python polls for writability and takes SO_ERROR 0 for success, on AF_UNIX without a connection.",
        why="PEP 475; internal_connect in socketmodule.c",
        recipe="""\
unwaiting = socket.socket(sock.family, sock.type | socket.SOCK_NONBLOCK, 0, fileno=fd)
try:
    unwaiting.connect(address)
finally:
    unwaiting.detach()
0""",
        evidence="connect/local/interrupted",
        predicate=_waited,
        pypy=False,
    ),
)
