"""Choosing a backend: `load(name)` for one by name, `select()` for the one that importing pysock_raw takes."""

from __future__ import annotations

import importlib
import os
from contextlib import suppress
from typing import cast

from pysock_raw.backends.contract import Backend

SIDES = ("c", "python", "stdlib")


class NotBuilt(ImportError):
    """There is no compiled extension."""


def load(name: str) -> Backend:
    """The backend of this name, an object with all calls, constants and structures (its module). ImportError
    with the reason if it cannot be loaded; never another backend."""
    if name not in SIDES:
        raise ImportError(f"there is no backend {name!r}: choose one of {', '.join(SIDES)}")
    try:
        return cast(Backend, importlib.import_module(f"{__name__}.{name}"))
    except ModuleNotFoundError as error:
        if error.name == f"{__name__}._c.lib":  # which cffi makes once in a process
            raise ImportError("the C backend serves one interpreter of a process, and another one has it") from error
        if error.name != f"{__name__}._c":
            raise
        raise NotBuilt(_failure()) from error


def _failure() -> str:
    """Why there is no extension, by what setup.py left of a build that failed."""
    where = os.path.dirname(__file__)
    why = "installing needs a C compiler and Python's headers"
    with suppress(FileNotFoundError), open(os.path.join(where, "not_built.txt")) as file:
        why = f"{why}: {file.read()}"
    return f"the C backend is not built in {where} ({why})"


def select() -> tuple[Backend, str]:
    """The backend to use, and one sentence on why: what PYSOCK_RAW_BACKEND names, else c, else python."""
    forced = os.environ.get("PYSOCK_RAW_BACKEND")
    if forced:
        return load(forced), f"PYSOCK_RAW_BACKEND={forced} asks for it"
    try:
        return load("c"), "the compiled C backend is the default"
    except ImportError as error:
        return load("python"), f"the Python fallback stands in: {error}"
