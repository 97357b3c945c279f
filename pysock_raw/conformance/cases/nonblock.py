"""Each call that can wait, on a descriptor with O_NONBLOCK that a socket call was made on before."""

from __future__ import annotations

import os

from pysock_raw.backends.contract import Backend
from pysock_raw.conformance.box import Box
from pysock_raw.conformance.case import case, error, success
from pysock_raw.conformance.kinds import must, option, pair
from pysock_raw.conformance.waits import WAITS, woken


def _nonblocking(call: str) -> None:
    @case(
        f"{call}/local/nonblock",
        f"{call} on a descriptor with O_NONBLOCK does not wait",
        error("EAGAIN", f"POSIX.1 {call}; {call}(2)"),
        needs=["linux"],
    )
    def _(c: Backend, box: Box) -> None:
        wait = WAITS[call](c, box)
        must(c, c.fcntl(wait.fd, c.F_SETFL, c.O_NONBLOCK))
        assert option(c, wait.fd, c.SOL_SOCKET, c.SO_ERROR) == 0
        woken(box, wait)
        wait.call(0)


for _call in WAITS:
    _nonblocking(_call)


@case(
    "fcntl/local/nonblock-stays",
    "O_NONBLOCK stays on a descriptor that is used",
    success("POSIX.1 fcntl; socket calls change no status flags", result=os.O_RDWR | os.O_NONBLOCK, observed=True),
    needs=["linux"],
)
def _(c: Backend, box: Box) -> bool:
    one, _ = pair(c, c.SOCK_STREAM)
    must(c, c.fcntl(one, c.F_SETFL, c.O_NONBLOCK))
    assert option(c, one, c.SOL_SOCKET, c.SO_ERROR) == 0
    return bool(must(c, c.fcntl(one, c.F_GETFL, 0)) & c.O_NONBLOCK)
