"""The ratios of bench as a bar chart: an SVG element with its own style, for a file or within HTML."""

from __future__ import annotations

import math
from typing import IO
from xml.etree.ElementTree import Element, SubElement, tostring

from pysock_raw.bench.measure import BASE, Measured, Spread
from pysock_raw.report.bench import ROWS, conditions

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
LABEL = "The price of a job on each side, as a ratio to plain C"
LEFT, WIDTH, TOP, BAR, GAP = 210, 620, 74, 13, 12
LEAST = 0.8  # where the axis begins
TICKS = (1, 2, 4, 8, 16, 32, 64, 128)


def render(measured: Measured, file: IO[str]) -> None:
    file.write(svg(measured) + "\n")


def svg(measured: Measured) -> str:
    """The axis is logarithmic, and a bar goes from plain C to the ratio."""
    others = [name for name in measured.titles if name != BASE]
    ratios = {(job, name): found for job in ROWS for name in others if (found := measured.ratio(job, name, BASE))}
    most = max((found.high for found in ratios.values()), default=1.0) * 1.3
    row_height = len(others) * BAR + GAP
    width, height = LEFT + WIDTH + 20, TOP + len(ROWS) * row_height + 34
    picture = Element("svg", {"xmlns": "http://www.w3.org/2000/svg", "class": "bench", "role": "graphics-document"})
    picture.attrib |= {"viewBox": f"0 0 {width} {height}", "width": f"{width}", "aria-label": LABEL}
    SubElement(picture, "style").text = STYLE
    _add(picture, "rect", "paper", width=width, height=height)
    _add(picture, "text", "title", TITLE, x=10, y=22)
    _legend(picture, {name: measured.titles[name] for name in others})
    _axis(picture, most, height - 30)
    for row, (job, title) in enumerate(ROWS.items()):
        top = TOP + row * row_height
        _add(picture, "text", "job", title, x=LEFT - 10, y=top + len(others) * BAR / 2 + 4)
        for place, name in enumerate(others):
            if (job, name) in ratios:
                _bar(picture, name, ratios[job, name], top + place * BAR, most)
    _add(picture, "text", "faint", conditions(measured), x=10, y=height - 12)
    return tostring(picture, encoding="unicode")


def _legend(picture: Element, titles: dict[str, str]) -> None:
    for place, (name, title) in enumerate(titles.items()):
        _add(picture, "rect", name, x=10 + 120 * place, y=35, width=12, height=12)
        _add(picture, "text", "title", title, x=28 + 120 * place, y=45)


def _axis(picture: Element, most: float, bottom: float) -> None:
    for tick in (tick for tick in TICKS if tick <= most):
        at = _x(tick, most)
        _add(picture, "line", "base" if tick == 1 else "grid", x1=at, y1=TOP - 6, x2=at, y2=bottom)
        _add(picture, "text", "tick", f"{tick:g}", x=at, y=TOP - 10)


def _x(ratio: float, most: float) -> float:
    return LEFT + WIDTH * math.log(max(ratio, LEAST) / LEAST) / math.log(most / LEAST)


def _bar(picture: Element, name: str, found: Spread, top: float, most: float) -> None:
    low, end, high = (_x(ratio, most) for ratio in found)
    start, middle = _x(1, most), top + BAR / 2 - 1
    _add(picture, "rect", name, x=min(start, end), y=top, width=abs(end - start), height=BAR - 2)
    _add(picture, "line", "spread", x1=low, y1=middle, x2=high, y2=middle)
    _add(picture, "text", "value", f"{found.middle:.2f}", x=max(start, high) + 5, y=top + BAR - 3)


def _add(parent: Element, tag: str, kind: str, text: str | None = None, **attributes: float) -> None:
    numbers = {name: f"{value:.1f}" for name, value in attributes.items()}
    SubElement(parent, tag, {"class": kind, **numbers}).text = text
