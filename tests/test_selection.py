"""Which backend an import takes, and what it says about it. Each test is a process of its own."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parent.parent
SHOW = "import pysock_raw as p; print(p.backend, p.backend_reason, sep=chr(10))"


def python(code: str, backend: str | None = None, root: Path = ROOT) -> subprocess.CompletedProcess[str]:
    """Run code with the package of root."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYSOCK_RAW_")}
    environment["PYTHONPATH"] = str(root)
    if backend is not None:
        environment["PYSOCK_RAW_BACKEND"] = backend
    command = [sys.executable, "-c", code]
    return subprocess.run(command, env=environment, cwd=root, capture_output=True, text=True, timeout=60)


def taken(backend: str | None = None, root: Path = ROOT) -> tuple[str, str]:
    """(pysock_raw.backend, pysock_raw.backend_reason)"""
    result = python(SHOW, backend, root)
    assert result.returncode == 0, result.stderr
    name, reason = result.stdout.splitlines()
    return name, reason


def refused(backend: str, root: Path = ROOT) -> str:
    """The last line of what an import says that fails."""
    result = python(SHOW, backend, root)
    assert (result.returncode, result.stdout) == (1, "")
    return result.stderr.splitlines()[-1]


@pytest.fixture
def copy(tmp_path: Path) -> Callable[..., Path]:
    """A copy of the package and its sources, without its extension where that is asked for, and without what a build
    that failed has said."""

    def copy(extension: bool) -> Path:
        ignored = shutil.ignore_patterns("__pycache__", "not_built.txt", *([] if extension else ["_c.*"]))
        for part in ("pysock_raw", "csrc"):
            shutil.copytree(ROOT / part, tmp_path / part, ignore=ignored)
        return tmp_path

    return copy


# --- without a word from the user ---


def test_c_is_the_default(c_api: Any) -> None:
    assert taken() == ("c", "the compiled C backend is the default")


def test_empty_variable_is_no_word(c_api: Any) -> None:
    assert taken("") == taken()


# --- forced ---


@pytest.mark.parametrize("backend", ["python", "stdlib"])
def test_forced(backend: str) -> None:
    assert taken(backend) == (backend, f"PYSOCK_RAW_BACKEND={backend} asks for it")


def test_forced_c(c_api: Any) -> None:
    assert taken("c") == ("c", "PYSOCK_RAW_BACKEND=c asks for it")


@pytest.mark.parametrize("name", ["C", "rust", "python ", "../c"])
def test_forced_backend_that_there_is_not(name: str) -> None:
    assert refused(name) == f"ImportError: there is no backend {name!r}: choose one of c, python, stdlib"


# --- without the extension ---

NEEDS = "installing needs a C compiler and Python's headers"


def test_absent_extension(copy: Any) -> None:
    root = copy(extension=False)
    where = root / "pysock_raw" / "backends"
    assert taken(root=root) == (
        "python",
        f"the Python fallback stands in: the C backend is not built in {where} ({NEEDS})",
    )


def test_absent_extension_forced(copy: Any) -> None:
    root = copy(extension=False)
    where = root / "pysock_raw" / "backends"
    assert refused("c", root) == (f"pysock_raw.backends.NotBuilt: the C backend is not built in {where} ({NEEDS})")


def test_failed_build(copy: Any) -> None:
    """Which setup.py tells by a file."""
    root = copy(extension=False)
    where = root / "pysock_raw" / "backends"
    (where / "not_built.txt").write_text("gcc failed")
    assert refused("c", root).endswith(f"not built in {where} ({NEEDS}: gcc failed)")


def test_absent_extension_does_not_matter_to_the_others(copy: Any) -> None:
    assert taken("python", copy(extension=False))[0] == "python"


def test_broken_extension(copy: Any) -> None:
    """The reason keeps the import error, whatever it is."""
    root = copy(extension=False)
    (root / "pysock_raw" / "backends" / "_c.abi3.so").write_bytes(b"no shared object at all")
    name, reason = taken(root=root)
    assert name == "python"
    assert reason.startswith("the Python fallback stands in: ")
    assert "_c.abi3.so" in reason
    assert "ImportError" in refused("c", root)


def test_absent_cffi(c_api: Any) -> None:
    """An extension that is there and lacks something else is not said to be not built."""
    result = python(f"import sys; sys.modules['_cffi_backend'] = None; {SHOW}")
    name, reason = result.stdout.splitlines()
    assert name == "python"
    assert reason.startswith("the Python fallback stands in: ")
    assert "_cffi_backend" in reason


# --- with an extension that is older than its sources ---

STALE = "the compiled C backend is stale: its sources changed after it was built (pip install -e . rebuilds it)"


def test_copy_is_as_good_as_the_original(copy: Any, c_api: Any) -> None:
    assert taken("c", copy(extension=True))[0] == "c"


@pytest.mark.parametrize("source", ["csrc/pysock_raw.c", "csrc/pysock_raw.h", "pysock_raw/constants.py"])
def test_stale_extension(source: str, copy: Any, c_api: Any) -> None:
    root = copy(extension=True)
    with (root / source).open("a") as file:
        file.write("\n")
    assert refused("c", root) == f"pysock_raw.backends.sources.StaleExtension: {STALE}"
    assert taken(root=root) == ("python", f"the Python fallback stands in: {STALE}")


def test_installed_package_has_no_sources(copy: Any, c_api: Any) -> None:
    """A wheel has no csrc: its extension was built together with it."""
    root = copy(extension=True)
    shutil.rmtree(root / "csrc")
    assert taken("c", root)[0] == "c"


# --- what comes with an import ---


@pytest.mark.parametrize("backend", [None, "python"])
def test_import_loads_nothing_that_it_does_not_need(backend: str | None) -> None:
    unwanted = ("pycparser", "rich", "jinja2", "pytest", "cffi", "hypothesis", "setuptools", "pysock_raw.trace")
    code = f"import sys, pysock_raw, pysock_raw.checked; print([name for name in {unwanted!r} if name in sys.modules])"
    assert python(code, backend).stdout == "[]\n"


def test_fallback_is_not_c_again(copy: Any) -> None:
    """The fallback calls libc through the standard library only, and needs no cffi."""
    code = "import sys, pysock_raw; print('_cffi_backend' in sys.modules)"
    assert python(code, "python").stdout == "False\n"
    backends = ROOT / "pysock_raw" / "backends"
    for name in ("python", "stdlib", "addresses", "arguments", "wrapping"):
        assert "ctypes" not in (backends / f"{name}.py").read_text()


def test_load_never_gives_another_backend() -> None:
    from pysock_raw.backends import load

    for name in ("python", "stdlib"):
        assert load(name).name == name
    with pytest.raises(ImportError, match="there is no backend 'nothing'"):
        load("nothing")
