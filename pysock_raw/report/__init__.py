"""Reports: a comparison as text, JSON, JUnit XML or HTML. json.py makes the document, and the others are made from
it, so that they say the same, of a run or of a file."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any, cast

SUFFIXES = {".txt": "text", ".json": "json", ".xml": "junit", ".html": "html", ".htm": "html", ".svg": "svg"}


def format_of(path: Path | None) -> str | None:
    """The format that a file's suffix names, or None if it names none; text where there is no suffix."""
    return SUFFIXES.get(path.suffix.lower()) if path is not None and path.suffix else "text"


def renderer(format: str, name: str = "render") -> Callable[[Any, IO[str]], None]:
    """The function of this name that writes a format. ModuleNotFoundError if a library for it is missing."""
    return cast("Callable[[Any, IO[str]], None]", getattr(importlib.import_module(f"{__name__}.{format}"), name))
