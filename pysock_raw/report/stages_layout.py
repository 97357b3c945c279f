"""Where everything stands in the picture of a run (stages.py): lanes beside each other, calls down the time.

The order of all begins and ends is kept. Between two of them the picture grows with the logarithm of the time, since
a run has microseconds beside seconds; a row of text, and an arrow that goes down, are the least that it grows.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

from pysock_raw.report.packets import crossings
from pysock_raw.trace import Record

HEAD, TAIL = 40, 20  # calls that are drawn of a longer run
MOST_LANES = 6
WIDTH, LEFT, RIGHT = 800, 58, 16
TOP = 76  # the lanes' headings
NARROWEST, WIDEST = 184, 360  # of a lane
GAPS = {1: 0, 2: 126, 3: 84}  # between lanes, where the arrows are
NARROW_GAP = 60
ROW, SPACE = 40, 9
SLOPE = ROW + 8  # from the top of a call that sends to the bottom of the one that receives
FOLD = 46
# Nanoseconds from which on a call has waited, whatever came in the meantime: one that only sends may have lost its
# turn on the processor instead.
WAITED = {
    **dict.fromkeys(("accept", "accept4", "connect", "poll", "read", "recv", "recvfrom", "recvmsg", "recvmmsg"), 10**6),
    **dict.fromkeys(("write", "send", "sendto", "sendmsg", "sendmmsg"), 20 * 10**6),
}


@dataclass(eq=False)
class Lane:
    """The calls of one thread."""

    role: str
    pid: int
    thread: int
    script: str
    left: float = 0
    width: float = 0

    @property
    def right(self) -> float:
        return self.left + self.width


@dataclass(eq=False)
class Box:
    """A call. Its time is in nanoseconds; a call that never returned lasts until the end of the picture."""

    record: Record
    lane: Lane
    began: int
    ended: int
    waited: bool = False
    top: float = 0
    bottom: float = 0


@dataclass
class Plan:
    lanes: list[Lane]
    boxes: list[Box]
    arrows: list[tuple[Box, Box, str]]
    """Sender, receiver, and what the packet carries."""
    folded: list[Record]
    """The calls in the middle of a long run, which are not drawn."""
    threads_left_out: int
    gap: float = 0
    """Between two lanes."""
    width: float = WIDTH
    height: float = TOP
    fold: float | None = None
    """Where the calls that are not drawn would stand."""
    free: dict[Lane, float] = field(default_factory=dict)
    """Down to where the calls of a lane reach."""


def plan(records: Sequence[Record]) -> Plan:
    lanes = _lanes(records)
    last = max((moment for record in records for moment in record["time"] if moment), default=0)
    order = sorted((i for i, r in enumerate(records) if r["thread"] in lanes), key=lambda i: records[i]["time"][0])
    folded = order[HEAD:-TAIL] if len(order) > HEAD + TAIL else []
    drawn = order if not folded else order[:HEAD] + order[-TAIL:]
    boxes = {i: _box(records[i], lanes, last) for i in drawn}
    arrows = [
        (boxes[packet.sender], boxes[packet.receiver], packet.carries)
        for packet in crossings(records)
        if packet.sender in boxes and packet.receiver in boxes
    ]
    left_out = len({record["thread"] for record in records}) - len(lanes)
    for sender, receiver, _ in arrows:
        receiver.waited |= sender.began > receiver.began
    made = Plan([*lanes.values()], [*boxes.values()], arrows, [records[i] for i in folded], left_out)
    _spread(made)
    _stack(made)
    return made


def _box(record: Record, lanes: dict[int, Lane], last: int) -> Box:
    began, ended = record["time"]
    box = Box(record, lanes[record["thread"]], began, ended or last)
    box.waited = box.ended - began >= WAITED.get(record["call"], math.inf)
    return box


def _lanes(records: Sequence[Record]) -> dict[int, Lane]:
    """The lanes by thread, servers first, otherwise in the order of their first calls."""
    threads: dict[int, list[Record]] = {}
    for record in sorted(records, key=lambda record: record["time"][0]):
        threads.setdefault(record["thread"], []).append(record)
    found = [
        Lane(_role(calls), calls[0]["pid"], thread, calls[0]["where"].rpartition(":")[0])
        for thread, calls in threads.items()
    ]
    found = sorted(found, key=lambda lane: "Server" not in lane.role)[:MOST_LANES]
    for role in {lane.role for lane in found}:
        alike = [lane for lane in found if lane.role == role]
        for number, lane in enumerate(alike, 1):
            lane.role += f" {number}" if len(alike) > 1 else ""
    return {lane.thread: lane for lane in found}


def _role(calls: list[Record]) -> str:
    """A server waits to be addressed: it listens, or has taken a name that others are to know."""
    made = {record["call"] for record in calls}
    names = [record["args"][1] for record in calls if record["call"] == "bind" and isinstance(record["args"][1], dict)]
    known = any(name.get("port") or name.get("path") for name in names)
    if made & {"listen", "accept", "accept4"}:
        return "Server and client" if "connect" in made else "Server"
    if "bind" in made and (known or "connect" not in made):
        return "Server"
    if made & {"connect", "sendto"}:
        return "Client"
    return "Process" if calls[0]["thread"] == calls[0]["pid"] else "Thread"


def _spread(made: Plan) -> None:
    """Put the lanes beside each other. More than four make the picture wider than 800."""
    count = len(made.lanes)
    made.gap = gap = GAPS.get(count, NARROW_GAP)
    room = WIDTH - LEFT - RIGHT - gap * (count - 1)
    width = min(max(room / max(count, 1), NARROWEST), WIDEST)
    for index, lane in enumerate(made.lanes):
        lane.left, lane.width = LEFT + index * (width + gap), width
    made.width = max(WIDTH, made.lanes[-1].right + RIGHT) if made.lanes else WIDTH


def _stack(made: Plan) -> None:
    """Give every call its top and bottom."""
    senders: dict[Box, list[Box]] = {}
    for sender, receiver, _ in made.arrows:
        senders.setdefault(receiver, []).append(sender)
    after = made.boxes[-TAIL] if made.folded else None
    moments = sorted(
        [(box.began, 0, index) for index, box in enumerate(made.boxes)]
        + [(box.ended, 1, index) for index, box in enumerate(made.boxes)]
    )
    y, earlier = float(TOP), moments[0][0] if moments else 0
    for moment, ends, index in moments:
        box = made.boxes[index]
        y += _distance(moment - earlier)
        earlier = moment
        if ends:
            y = max(y, box.top + ROW, *(sender.top + SLOPE for sender in senders.get(box, [])))
            box.bottom = y
            made.free[box.lane] = y + SPACE
            continue
        if box is after:
            made.fold = y = max(y, *made.free.values())
            y += FOLD
        box.top = y = max(y, made.free.get(box.lane, 0))
    made.height = y + SPACE


def _distance(nanoseconds: int) -> float:
    """7 for a millisecond, 48 for a tenth of a second, 72 for a second."""
    return 24 * math.log10(1 + nanoseconds / 10**6)
