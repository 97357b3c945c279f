"""A recorded run as a picture: the stages of server and client as a textbook draws them, in SVG.

Time runs down and calls stand in lanes, one for each thread (stages_layout.py). A call is as tall as it took, an arrow
is a packet that crossed (packets.py). Under the pointer a call shows its whole line and where the program made it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any
from xml.etree.ElementTree import Element, SubElement, tostring

from pysock_raw.report.stages_layout import FOLD, LEFT, ROW, TOP, Box, Lane, Plan, plan
from pysock_raw.trace import Record
from pysock_raw.trace_text import argument, ending, line, printable

CHARACTER = 6.7  # the width of a character of an argument
NEAR = 70  # from the tip of an arrow to its text
SHORT = 24  # characters of a buffer that are shown
STAGES = {
    "Server": {"socket": 1, "setsockopt": 2, "bind": 3, "listen": 4, "accept": 5, "accept4": 5},
    "Client": {"socket": 1, "connect": 2},
}
CAPTION = (
    "Time runs down, not to scale; at the left are milliseconds since the first call. A dashed box is a call that",
    "waited, an arrow a packet that crossed. The numbers are the stages of a server and of a client.",
)
STYLE = """
.stages { --paper: #ffffff; --ink: #1c2128; --faint: #5b636c; --line: #bcc5ce; --box: #f3f5f7; --wait: #fdf5dc;
  --stage: #0757ae; --on-stage: #ffffff; --wrong: #b3211a; --packet: #1a7037; max-width: 100%; height: auto;
  font: 12px system-ui, "Helvetica Neue", "Liberation Sans", sans-serif; }
@media (prefers-color-scheme: dark) { .stages { --paper: #14181d; --ink: #e4e8ec; --faint: #a3adb8; --line: #4d5863;
  --box: #21272e; --wait: #38321f; --stage: #6cb2ff; --on-stage: #14181d; --wrong: #ff8a80; --packet: #5fcf85; } }
.stages text { fill: var(--ink); }
.stages .paper, .stages .fold { fill: var(--paper); }
.stages .lane, .stages .fold { stroke: var(--line); stroke-dasharray: 2 4; }
.stages .role { font-size: 17px; font-weight: 600; }
.stages .role, .stages .who, .stages .folded { text-anchor: middle; }
.stages .who, .stages .caption, .stages .time, .stages .args { fill: var(--faint); }
.stages .time { font-size: 11px; text-anchor: end; font-variant-numeric: tabular-nums; }
.stages .box { fill: var(--box); stroke: var(--line); }
.stages .waited { fill: var(--wait); stroke-dasharray: 5 3; }
.stages .failed { stroke: var(--wrong); }
.stages .call, .stages .args, .stages .result {
  font-family: ui-monospace, "DejaVu Sans Mono", Menlo, Consolas, monospace; }
.stages .call { font-size: 13px; font-weight: 700; }
.stages .args { font-size: 11px; }
.stages .result { font-size: 12px; text-anchor: end; }
.stages .wrong { fill: var(--wrong); }
.stages .number { fill: var(--stage); }
.stages .numeral { fill: var(--on-stage); font-size: 11px; font-weight: 700; text-anchor: middle; }
.stages .packet { stroke: var(--packet); stroke-width: 1.6; fill: none; }
.stages .tip { fill: var(--packet); }
.stages .carries { fill: var(--packet); text-anchor: middle; paint-order: stroke; stroke: var(--paper);
  stroke-width: 3px; }
.stages .aside { text-anchor: start; }
"""


def svg(records: Sequence[Record]) -> str:
    """The picture of a run's records: the text of an SVG element with its own style, for a file or within HTML.
    Everything that came from the program is escaped."""
    made = plan(records)
    caption = _caption(made)
    height = made.height + 24 + 16 * len(caption)
    size = {"width": f"{made.width:g}", "height": f"{height:.0f}", "viewBox": f"0 0 {made.width:g} {height:.0f}"}
    picture = Element("svg", {"xmlns": "http://www.w3.org/2000/svg", "class": "stages", "role": "graphics-document"})
    picture.attrib |= {**size, "aria-label": f"The stages of a run: {len(records)} calls in {len(made.lanes)} lanes"}
    SubElement(picture, "style").text = STYLE
    _add(picture, "rect", "paper", width=made.width, height=height)
    for lane in made.lanes:
        _heading(picture, lane, made.height)
    for sender, receiver, _ in made.arrows:
        _arrow(picture, sender, receiver)
    _fold(picture, made)
    _times(picture, made)
    for box in made.boxes:
        _call(picture, box)
    for sender, receiver, carries in made.arrows:
        _label(picture, made.gap, sender, receiver, carries)
    for number, text in enumerate(caption):
        _add(picture, "text", "caption", text, x=LEFT, y=made.height + 24 + 16 * number)
    return tostring(picture, encoding="unicode") + "\n"


def _add(parent: Element, tag: str, kind: str, text: str | None = None, **attributes: float | str) -> Element:
    """An element of this class. ElementTree escapes the text, `printable` what XML cannot hold."""
    numbers = {name: value if isinstance(value, str) else f"{value:.1f}" for name, value in attributes.items()}
    element = SubElement(parent, tag, {"class": kind, **numbers})
    element.text = None if text is None else printable(text)
    return element


def _heading(picture: Element, lane: Lane, bottom: float) -> None:
    middle = lane.left + lane.width / 2
    who = f"process {lane.pid}" if lane.thread == lane.pid else f"thread {lane.thread}"
    _add(picture, "line", "lane", x1=middle, y1=TOP - 14, x2=middle, y2=bottom)
    _add(picture, "text", "role", lane.role, x=middle, y=30)
    _add(picture, "text", "who", f"{lane.script} · {who}", x=middle, y=48)


def _call(picture: Element, box: Box) -> None:
    record, lane = box.record, box.lane
    wrong = record["result"] in (None, -1)
    group = SubElement(picture, "g")
    SubElement(group, "title").text = printable(f"{line(record)}   at {record['where']}")
    kind = "box" + " waited" * box.waited + " failed" * wrong
    _add(group, "rect", kind, x=lane.left, y=box.top, width=lane.width, height=box.bottom - box.top, rx="3")
    name = lane.left + 9
    stage = STAGES.get(lane.role.partition(" ")[0], {}).get(record["call"])
    if stage:
        _add(group, "circle", "number", cx=lane.left + 15, cy=box.top + 13, r=8.5)
        _add(group, "text", "numeral", str(stage), x=lane.left + 15, y=box.top + 17)
        name += 20
    _add(group, "text", "call", record["call"], x=name, y=box.top + 17)
    _add(group, "text", "args", _arguments(record, lane.width), x=lane.left + 9, y=box.top + 32)
    last_line = box.bottom - 8 if box.waited and box.bottom - box.top > ROW + 12 else box.top + 17
    result = "result wrong" if wrong else "result"
    _add(group, "text", result, _result(record), x=lane.right - 9, y=last_line)
    if last_line > box.top + 17:
        _add(group, "text", "args", f"waited {_milliseconds(box.ended - box.began)} ms", x=lane.left + 9, y=last_line)


def _result(record: Record) -> str:
    """What the call returned; of an exception the name alone."""
    if record["raised"] is None and record["result"] is None:
        return "never returned"
    return f"= {ending(record).partition(':')[0]}" if record["raised"] is None else record["raised"].partition(":")[0]


def _arguments(record: Record, width: float) -> str:
    text = ", ".join(_argument(value) for value in record["args"])
    room = int((width - 18) / CHARACTER)
    return text if len(text) <= room else text[: room - 1] + "…"


def _argument(value: Any) -> str:
    """An argument, with addresses as people write them and long buffers cut."""
    if isinstance(value, dict) and "port" in value:
        host = f"[{value['addr']}]" if ":" in value["addr"] else value["addr"]
        return f"{host}:{value['port']}"
    if isinstance(value, dict) and "path" in value:
        return argument(value)[1:-1].rpartition("sun_path=")[2]
    if isinstance(value, dict) and len(value.get("bytes", "")) > SHORT:
        return f'"{value["bytes"][:SHORT]}…"'
    return argument(value)


def _ends(sender: Box, receiver: Box) -> tuple[float, float, float, float]:
    """From the side of one call to the side of another: x1, y1, x2, y2."""
    rightwards = receiver.lane.left >= sender.lane.left
    x1 = sender.lane.right if rightwards else sender.lane.left
    x2 = receiver.lane.left if receiver.lane.left > sender.lane.left else receiver.lane.right
    return x1, sender.top + 13, x2, receiver.bottom - 12


def _bulge(y1: float, y2: float) -> float:
    """How far an arrow reaches to the right that comes back to its own lane."""
    return min(40 + (y2 - y1) / 4, 120)


def _arrow(picture: Element, sender: Box, receiver: Box) -> None:
    x1, y1, x2, y2 = _ends(sender, receiver)
    along, aside = (-1.0, 0.0), x1 + _bulge(y1, y2)
    way = f"M{x1:.1f} {y1:.1f}C{aside:.1f} {y1:.1f} {aside:.1f} {y2:.1f} {x2 + 6:.1f} {y2:.1f}"
    if sender.lane is not receiver.lane:
        length = math.hypot(x2 - x1, y2 - y1)
        along = (x2 - x1) / length, (y2 - y1) / length
        way = f"M{x1:.1f} {y1:.1f}L{x2 - 6 * along[0]:.1f} {y2 - 6 * along[1]:.1f}"
    _add(picture, "path", "packet", d=way)
    tip = [(0, 0), (-10, 4.5), (-10, -4.5)]  # along the arrow and across it
    corners = [(x2 + far * along[0] - wide * along[1], y2 + far * along[1] + wide * along[0]) for far, wide in tip]
    _add(picture, "polygon", "tip", points=" ".join(f"{x:.1f},{y:.1f}" for x, y in corners))


def _label(picture: Element, gap: float, sender: Box, receiver: Box, carries: str) -> None:
    """What a packet carries: along the arrow, within the last gap that it crosses and not far from its tip, where
    no other arrow ends."""
    x1, y1, x2, y2 = _ends(sender, receiver)
    if sender.lane is receiver.lane:
        _add(picture, "text", "carries aside", carries, x=x1 + 0.75 * _bulge(y1, y2) + 7, y=(y1 + y2) / 2 + 4)
        return
    part = min(gap / 2 / abs(x2 - x1), NEAR / math.hypot(x2 - x1, y2 - y1))
    x, y = x2 + part * (x1 - x2), y2 + part * (y1 - y2)
    slope = math.degrees(math.atan((y2 - y1) / (x2 - x1)))
    _add(picture, "text", "carries", carries, x=x, y=y - 5, transform=f"rotate({slope:.1f} {x:.1f} {y:.1f})")


def _times(picture: Element, made: Plan) -> None:
    """When the calls began, as far as there is room."""
    free = 0.0
    _add(picture, "text", "time", "ms", x=LEFT - 10, y=48)
    for box in made.boxes:
        if box.top >= free:
            _add(picture, "text", "time", _milliseconds(box.began - made.boxes[0].began), x=LEFT - 10, y=box.top + 17)
            free = box.top + 14


def _milliseconds(nanoseconds: int) -> str:
    number = nanoseconds / 10**6
    return f"{number:.2f}" if number < 10 else f"{number:.1f}" if number < 1000 else f"{number:.0f}"


def _fold(picture: Element, made: Plan) -> None:
    """Where the middle of a long run would stand."""
    if made.fold is None:
        return
    began = made.boxes[0].began
    first, last = (_milliseconds(made.folded[end]["time"][0] - began) for end in (0, -1))
    text = f"{len(made.folded):,} calls between {first} and {last} ms are not drawn"
    _add(picture, "rect", "fold", x=-2, y=made.fold, width=made.width + 4, height=FOLD - 9)
    _add(picture, "text", "folded", text, x=made.width / 2, y=made.fold + 23)


def _caption(made: Plan) -> Sequence[str]:
    if not made.threads_left_out:
        return CAPTION
    return *CAPTION, f"{made.threads_left_out} more threads are not drawn."
