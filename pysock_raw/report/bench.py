"""The figures of `pysock-raw bench`: a table, JSON, a bar chart."""

from __future__ import annotations

import json
import math
import os
from typing import IO, Any
from xml.etree.ElementTree import Element, SubElement, tostring

from pysock_raw.bench import JOBS
from pysock_raw.bench.measure import BASE, Measured, Spread, spread
from pysock_raw.bench.targets import SIX_CALLS, TARGETS, Target
from pysock_raw.conformance.environment import environment

ROWS = {job: title for job, (title, _) in JOBS.items() if job != "nothing"} | {"six": SIX_CALLS}


# --- text ---


def text(measured: Measured, file: IO[str]) -> None:
    """Three tables: the times of plain C and the ratios to it, what importing costs, the targets."""
    from rich.markup import escape
    from rich.table import Table

    from pysock_raw.report.text import console, headline

    def table(*columns: str) -> Table:
        made = Table(box=None, pad_edge=False, header_style="bold", show_edge=False)
        made.add_column(columns[0])
        for column in columns[1:]:
            made.add_column(column, justify="right")
        return made

    out = console(file)
    out.print(escape(headline()))
    out.print(_conditions(measured))
    for name, why in measured.missing.items():
        out.print(escape(f"missing: {name}: {why}"))
    here = measured.titles
    times = table("", *here.values())
    for job, title in ROWS.items():
        times.add_row(title, *(_cell(measured, job, name) for name in here))
    times.add_row("", *("" for _ in here))
    times.add_row(JOBS["nothing"][0], *(_time(measured.time("nothing", name).middle) for name in here))
    more = {name: spread(values) for name, values in measured.imports.items()}
    times.add_row("importing", *(f"{more[name].middle / 1e6:.1f} ms" if name in more else "" for name in here))
    out.print(times)
    out.print()
    targets = table("the C backend", "against", "at most", "measured", "")
    for target in TARGETS:
        found = target.found(measured)
        verdict = "not measured" if found is None else "met" if found.middle <= target.most else "missed"
        targets.add_row(target.title, _against(measured, target), f"{target.most:g}", _spread(found), verdict)
    out.print(targets)
    if measured.noise:
        out.print(f"the machine was noisy: {measured.noise}", style="yellow")
    out.print(last_line(measured), style="bold red" if missed(measured) else "green")


def _conditions(measured: Measured) -> str:
    before, after = measured.load
    share = measured.interrupted / measured.blocks
    return (
        f"{measured.rounds} rounds · medians, and how far the quartiles are from them · "
        f"load {before:.1f} to {after:.1f} on {os.cpu_count()} processors · {share:.0%} of the blocks done again"
    )


def _cell(measured: Measured, job: str, name: str) -> str:
    """The time of plain C, or of all where it is missing; the ratio of the others to it."""
    if name == BASE or BASE not in measured.titles:
        return _time(measured.time(job, name).middle)
    return _spread(measured.ratio(job, name, BASE))


def _time(nanoseconds: float) -> str:
    return f"{nanoseconds:.0f} ns" if nanoseconds < 1000 else f"{nanoseconds / 1000:.1f} µs"


def _spread(found: Spread | None) -> str:
    return "" if found is None else f"{found.middle:.2f} ±{found.width / 2:>3.0%}"


def _against(measured: Measured, target: Target) -> str:
    return "the interpreter alone" if target.against is None else measured.titles.get(target.against, target.against)


def missed(measured: Measured) -> list[tuple[Target, Spread]]:
    found = ((target, target.found(measured)) for target in TARGETS)
    return [(target, spread) for target, spread in found if spread is not None and spread.middle > target.most]


def last_line(measured: Measured) -> str:
    """Whether the targets were reached."""
    wrong = [
        f"{target.title}, {found.middle:.2f} of {_against(measured, target)} and not {target.most:g}"
        for target, found in missed(measured)
    ]
    unknown = sum(target.found(measured) is None for target in TARGETS)
    said = f"missed: {'; '.join(wrong)}" if wrong else f"{len(TARGETS) - unknown} of {len(TARGETS)} targets met"
    return said + (f", {unknown} not measured" if unknown else "")


# --- JSON ---


def to_json(measured: Measured) -> dict[str, Any]:
    """Schema 1: a key may be added, none changes its meaning. Times are in nanoseconds."""
    return {
        "schema": 1,
        "environment": environment(),
        "rounds": measured.rounds,
        "processors": os.cpu_count(),
        "load": list(measured.load),
        "interrupted": measured.interrupted / measured.blocks,
        "noise": measured.noise,
        "missing": measured.missing,
        "jobs": {
            job: {
                name: {
                    "time": measured.time(job, name)._asdict(),
                    "to_plain_c": _as_dict(measured.ratio(job, name, BASE)),
                }
                for name in measured.titles
            }
            for job in measured.times
        },
        "imports": {name: spread(values)._asdict() for name, values in measured.imports.items()},
        "targets": [_target(measured, target) for target in TARGETS],
    }


def _as_dict(found: Spread | None) -> dict[str, float] | None:
    return None if found is None else found._asdict()


def _target(measured: Measured, target: Target) -> dict[str, Any]:
    found = target.found(measured)
    met = None if found is None else found.middle <= target.most
    return {**vars(target), "measured": _as_dict(found), "met": met}


def render_json(measured: Measured) -> str:
    return json.dumps(to_json(measured), indent=1) + "\n"


# --- the chart ---

STYLE = """
.bench { --paper: #ffffff; --ink: #1c2128; --faint: #5b636c; --line: #d5dbe1; --c: #0757ae; --ctypes: #b26a00;
  --stdlib: #1a7037; --python: #8a93a0; max-width: 100%; height: auto;
  font: 12px system-ui, "Helvetica Neue", "Liberation Sans", sans-serif; }
@media (prefers-color-scheme: dark) { .bench { --paper: #14181d; --ink: #e4e8ec; --faint: #a3adb8; --line: #39424c;
  --c: #6cb2ff; --ctypes: #e0a040; --stdlib: #5fcf85; --python: #77818d; } }
.bench text { fill: var(--ink); }
.bench .paper { fill: var(--paper); }
.bench .faint { fill: var(--faint); }
.bench .job { text-anchor: end; }
.bench .tick { text-anchor: middle; fill: var(--faint); font-size: 11px; }
.bench .value { font-size: 11px; }
.bench .grid { stroke: var(--line); }
.bench .base { stroke: var(--ink); }
.bench .spread { stroke: var(--ink); stroke-width: 1.2; }
.bench .c { fill: var(--c); } .bench .ctypes { fill: var(--ctypes); }
.bench .stdlib { fill: var(--stdlib); } .bench .python { fill: var(--python); }
"""
TITLE = "Times as ratios to plain C; a line over a bar is the middle half of the rounds"
LEFT, WIDTH, TOP, BAR, GAP = 190, 620, 74, 13, 12
LEAST = 0.5  # where the axis begins
TICKS = (0.5, 1, 2, 4, 8, 16, 32, 64, 128)


def svg(measured: Measured) -> str:
    """Ratios to plain C on a logarithmic axis: an SVG element with its own style, for a file or within HTML."""
    others = [name for name in measured.titles if name != BASE]
    rows = [(job, name, found) for job in ROWS for name in others if (found := measured.ratio(job, name, BASE))]
    most = max((found.high for *_, found in rows), default=1.0) * 1.3
    height = TOP + len(ROWS) * (len(others) * BAR + GAP) + 34
    picture = Element("svg", {"xmlns": "http://www.w3.org/2000/svg", "class": "bench", "role": "graphics-document"})
    picture.attrib |= {"viewBox": f"0 0 {LEFT + WIDTH + 20} {height}", "width": f"{LEFT + WIDTH + 20}"}
    picture.attrib |= {"aria-label": "The price of a job on each side, as a ratio to plain C"}
    SubElement(picture, "style").text = STYLE
    _add(picture, "rect", "paper", width=LEFT + WIDTH + 20, height=height)
    _add(
        picture,
        "text",
        "",
        "Times as ratios to plain C; a line over a bar is the middle half of the rounds",
        x=10,
        y=22,
    )
    for place, name in enumerate(others):
        _add(picture, "rect", name, x=10 + 120 * place, y=35, width=12, height=12)
        _add(picture, "text", "", measured.titles[name], x=28 + 120 * place, y=45)
    for tick in (tick for tick in TICKS if tick <= most):
        at = _x(tick, most)
        _add(picture, "line", "base" if tick == 1 else "grid", x1=at, y1=TOP - 6, x2=at, y2=height - 30)
        _add(picture, "text", "tick", f"{tick:g}", x=at, y=TOP - 10)
    for row, (job, title) in enumerate(ROWS.items()):
        top = TOP + row * (len(others) * BAR + GAP)
        _add(picture, "text", "job", title, x=LEFT - 10, y=top + len(others) * BAR / 2 + 4)
        for place, name in enumerate(others):
            if found := measured.ratio(job, name, BASE):
                _bar(picture, name, found, top + place * BAR, most)
    _add(picture, "text", "faint", _conditions(measured), x=10, y=height - 12)
    return tostring(picture, encoding="unicode") + "\n"


def _x(ratio: float, most: float) -> float:
    return LEFT + WIDTH * math.log(max(ratio, LEAST) / LEAST) / math.log(most / LEAST)


def _bar(picture: Element, name: str, found: Spread, top: float, most: float) -> None:
    end, middle = _x(found.middle, most), top + BAR / 2
    _add(picture, "rect", name, x=LEFT, y=top, width=end - LEFT, height=BAR - 2)
    _add(picture, "line", "spread", x1=_x(found.low, most), y1=middle - 1, x2=_x(found.high, most), y2=middle - 1)
    _add(picture, "text", "value", f"{found.middle:.2f}", x=_x(found.high, most) + 5, y=top + BAR - 3)


def _add(parent: Element, tag: str, kind: str, text: str | None = None, **attributes: float) -> None:
    numbers = {name: f"{value:.1f}" for name, value in attributes.items()}
    SubElement(parent, tag, {"class": kind, **numbers}).text = text
