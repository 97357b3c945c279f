"""One contract: the header, the C file, the Protocol and the three backends hold the same functions in the same
order, and every name that two sides have is the same number."""

from __future__ import annotations

import ast
import importlib
import itertools
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from pysock_raw import checked, constants, structures
from pysock_raw.backends import contract, load, sources

ROOT = Path(__file__).parent.parent
HEADER = (ROOT / "csrc" / "pysock_raw.h").read_text()
C_FILE = (ROOT / "csrc" / "pysock_raw.c").read_text()
PYTHON_FILES = {name: ROOT / "pysock_raw" / "backends" / f"{name}.py" for name in ("contract", "c", "python", "stdlib")}
BEYOND_C = ("get_errno", "sizeof", "emulated")
"""Functions of the contract that are no C function."""
INTEGERS_ONLY = [
    "socket",
    "listen",
    "shutdown",
    "close",
    "htons",
    "htonl",
    "ntohs",
    "ntohl",
    "CMSG_LEN",
    "CMSG_SPACE",
]

Signature = tuple[str, tuple[str, ...]]


def c_functions(text: str, end: str) -> list[Signature]:
    """(name, parameter names) of every prototype (end ;) or definition (end {) of pysock_raw_*, in its order."""
    found = re.findall(rf"^\w[\w *]*?\bpysock_raw_(\w+)\(([^)]*)\)\s*{re.escape(end)}", text, re.MULTILINE)
    return [(name, tuple(re.findall(r"(\w+)(?:,|$)", parameters))) for name, parameters in found]


def python_functions(path: Path) -> list[Signature]:
    """The same for a Python file: functions, and names bound to a compiled function (with no parameters)."""
    body: list[ast.stmt] = ast.parse(path.read_text()).body
    for statement in body:
        if isinstance(statement, ast.ClassDef) and statement.name == "Backend":
            body = statement.body
    found = []
    for statement in body:
        if isinstance(statement, ast.FunctionDef) and statement.name in contract.FUNCTIONS:
            parameters = [arg.arg for arg in statement.args.posonlyargs if arg.arg != "self"]
            found.append((statement.name, tuple(parameters)))
        elif isinstance(statement, ast.Assign) and isinstance(statement.value, ast.Attribute):
            if statement.value.attr.startswith("pysock_raw_"):
                found.append((statement.value.attr.removeprefix("pysock_raw_"), ()))
    return found


CONTRACT = dict(python_functions(PYTHON_FILES["contract"]))
IN_C = [(name, parameters) for name, parameters in CONTRACT.items() if name not in BEYOND_C]


# --- the same functions ---


def test_contract_is_read_whole() -> None:
    assert tuple(CONTRACT) == contract.FUNCTIONS
    assert contract.FUNCTIONS[:6] == ("socket", "setsockopt", "bind", "listen", "accept", "connect")


@pytest.mark.parametrize(("text", "end"), [(HEADER, ";"), (C_FILE, "{")], ids=["header", "C file"])
def test_c_has_the_contracts_functions(text: str, end: str) -> None:
    assert c_functions(text, end) == IN_C


@pytest.mark.parametrize("side", ["c", "python", "stdlib"])
def test_backend_has_the_contracts_functions(side: str) -> None:
    expected = [name for name in CONTRACT if name != "sizeof"]  # which structures.py defines for all
    found = python_functions(PYTHON_FILES[side])
    assert [name for name, _ in found] == expected
    for name, parameters in found:
        if side != "c" or name not in INTEGERS_ONLY:
            assert parameters == CONTRACT[name], name


def test_functions_of_c_call_the_function_of_their_name() -> None:
    """One libc call a function, with the parameters as they come."""
    for name, parameters in IN_C:
        assert re.search(rf"return {name}\({', '.join(parameters)}\);", C_FILE), name


@pytest.mark.parametrize("name", INTEGERS_ONLY)
def test_functions_of_integers_are_the_compiled_ones(name: str, c_api: Any) -> None:
    from pysock_raw.backends import _c

    assert getattr(c_api, name) is getattr(_c.lib, f"pysock_raw_{name}")


def test_integers_only_is_complete() -> None:
    integers = ("Int", "Fd", "Size", "UInt16", "UInt32")
    found = [
        name
        for name, _ in IN_C
        if all(kind in integers for kind in vars(contract.Backend)[name].__annotations__.values())
    ]
    assert [name for name in found if name not in ("fcntl",)] == INTEGERS_ONLY  # its arg may be an address


@pytest.mark.parametrize("module", ["checked", "pysock_raw"])
def test_public_modules_have_every_call(module: str) -> None:
    import pysock_raw

    public = {"checked": checked, "pysock_raw": pysock_raw}[module]
    for name in CONTRACT:
        if name != "emulated":
            assert callable(getattr(public, name)), name


def test_backends_offer_the_structures(api: Any) -> None:
    for name in structures.__all__:
        assert getattr(api, name) is getattr(structures, name)


# --- their descriptions ---


def c_signature(name: str) -> str:
    """The prototype in the header, in one line and without the prefix; int *sv is C's sv[2]."""
    prototype = re.search(rf"^[^/\n]*\bpysock_raw_{name}\([^)]*\)", HEADER, re.MULTILINE)
    assert prototype is not None
    return " ".join(prototype[0].replace("pysock_raw_", "").split()).replace("int *sv", "int sv[2]")


@pytest.mark.parametrize("name", [name for name, _ in IN_C])
def test_docstring_starts_with_the_c_signature(name: str) -> None:
    doc = " ".join((getattr(contract.Backend, name).__doc__ or "").split())
    assert doc.startswith(c_signature(name))


@pytest.mark.parametrize("name", [name for name, _ in IN_C])
def test_docstring_names_errors_and_source(name: str) -> None:
    doc = getattr(contract.Backend, name).__doc__ or ""
    assert re.search(r"Errors: \w+|No errors\.", doc)
    assert re.search(r"Source: .*\b\w+\(\d\)", doc)


@pytest.mark.parametrize("name", CONTRACT)
def test_docstring_names_errors_that_exist(name: str) -> None:
    named = re.findall(r"\bE[A-Z][A-Z0-9]+\b", getattr(contract.Backend, name).__doc__ or "")
    assert set(named) <= set(constants.GROUPS["E"])


def test_every_type_of_the_contract_says_what_it_is_in_c() -> None:
    body = ast.parse(PYTHON_FILES["contract"].read_text()).body
    described = [
        alias.target.id
        for alias, text in itertools.pairwise(body)
        if isinstance(alias, ast.AnnAssign) and isinstance(alias.target, ast.Name) and isinstance(text, ast.Expr)
    ]
    kinds = {kind for name, _ in IN_C for kind in vars(contract.Backend)[name].__annotations__.values()}
    assert {kind for kind in kinds if hasattr(contract, kind)} == set(described)


@pytest.mark.parametrize("name", [name for name in structures.__all__ if name != "c_int"])  # which is ctypes' own
def test_structure_describes_its_members(name: str) -> None:
    structure = getattr(structures, name)
    doc = structure.__doc__ or ""
    fields = [field for field, *_ in getattr(structure, "_fields_", []) if field not in ("_padding", "_align")]
    members = [field.removeprefix("_") for field in fields]
    assert [member for member in members if not re.search(rf"\b{member}\b", doc)] == []
    assert re.search(r"Source: .*\w\.h|Source: .*\w\(\d\w*\)", " ".join(doc.split()))


@pytest.mark.parametrize("module", ["pysock_raw", "pysock_raw.checked"])
def test_every_public_function_has_a_docstring(module: str) -> None:
    public = vars(importlib.import_module(module))
    for name in [name for name in CONTRACT if name != "emulated"]:
        assert f"{name}(" in public[name].__doc__ or public[name].__doc__ == getattr(contract.Backend, name).__doc__


@pytest.mark.parametrize("side", ["c", "python", "stdlib"])
def test_backends_show_the_contracts_docstrings(side: str, request: pytest.FixtureRequest) -> None:
    backend = request.getfixturevalue("c_api") if side == "c" else load(side)
    for name in contract.FUNCTIONS:
        if name != "sizeof" and (side != "c" or name not in INTEGERS_ONLY):
            assert getattr(backend, name).__doc__ == getattr(contract.Backend, name).__doc__, name


# --- constants ---

NEEDED = """
    AF_UNSPEC AF_UNIX AF_INET AF_INET6 SOCK_STREAM SOCK_DGRAM SOL_SOCKET SO_REUSEADDR SO_ERROR MSG_PEEK MSG_TRUNC
    SHUT_RDWR INADDR_ANY INADDR_LOOPBACK POLLIN POLLNVAL F_GETFD FD_CLOEXEC O_NONBLOCK SOMAXCONN EBADF ENOTSOCK
    EADDRINUSE EFAULT
"""


def numbers(path: Path) -> list[Any]:
    constants = (node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Constant))
    return [node.value for node in constants if type(node.value) in (int, float)]


def test_list_of_constants_holds_no_number() -> None:
    assert numbers(ROOT / "pysock_raw" / "constants.py") == []
    assert not any(name.isdigit() for name in constants.NAMES)


def test_list_of_constants_has_no_name_twice() -> None:
    assert len(set(constants.NAMES)) == len(constants.NAMES)
    for prefix, names in constants.GROUPS.items():
        assert all(name.startswith(prefix) for name in names)


@pytest.fixture(scope="module")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> dict[str, int]:
    """Every name of the list, with the value that gcc has for it, from the manual pages' own headers."""
    compiler = shutil.which("gcc")
    if compiler is None:
        pytest.skip("there is no gcc to ask for the values of C's constants")
    headers = ("stdio", "arpa/inet", "errno", "fcntl", "netinet/in", "netinet/tcp", "netinet/udp", "poll", "sys/socket")
    includes = "".join(f"#include <{header}.h>\n" for header in headers)
    rows = "".join(f'#ifdef {n}\nprintf("{n} %lld\\n", (long long){n});\n#endif\n' for n in constants.NAMES)
    directory = tmp_path_factory.mktemp("constants")
    (directory / "values.c").write_text(f"#define _GNU_SOURCE\n{includes}int main(void) {{\n{rows}return 0; }}\n")
    subprocess.run([compiler, "values.c", "-o", "values"], cwd=directory, check=True)
    output = subprocess.run([directory / "values"], check=True, capture_output=True, text=True).stdout
    return {name: int(value) for name, value in map(str.split, output.splitlines())}


def test_values_of_c_are_the_compilers(c_api: Any, compiled: dict[str, int]) -> None:
    assert compiled == c_api.CONSTANTS


def test_values_of_python_are_the_compilers(python_api: Any, compiled: dict[str, int]) -> None:
    differing = {
        name: (value, compiled[name])
        for name, value in python_api.CONSTANTS.items()
        if compiled.get(name, value) != value
    }
    assert differing == {}


def test_sides_agree_on_every_name_that_both_have(c_api: Any, python_api: Any) -> None:
    both = c_api.CONSTANTS.keys() & python_api.CONSTANTS.keys()
    assert {name for name in both if c_api.CONSTANTS[name] != python_api.CONSTANTS[name]} == set()
    assert len(both) > 250


@pytest.mark.parametrize("name", NEEDED.split())
def test_name_that_every_program_needs(name: str, api: Any) -> None:
    assert type(getattr(api, name)) is int
    assert getattr(api, name) == api.CONSTANTS[name]


def test_name_that_a_side_lacks(api: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(api, "SO_REUSEADDR")
    with pytest.raises(AttributeError, match=f"the {api.name} side has no SO_REUSEADDR: .* lack it"):
        _ = api.SO_REUSEADDR


@pytest.mark.parametrize("name", ["SO_NOTHING", "af_inet", "sendfile"])
def test_name_that_nobody_has(name: str, api: Any) -> None:
    with pytest.raises(AttributeError, match=f"has no {name}: it is not a name of pysock_raw"):
        getattr(api, name)


def test_public_module_says_what_is_lacking() -> None:
    import pysock_raw

    with pytest.raises(AttributeError, match="has no SO_NOTHING"):
        _ = pysock_raw.SO_NOTHING
    with pytest.raises(AttributeError, match="has no SO_NOTHING"):
        _ = checked.SO_NOTHING


# --- the compiled module ---


def test_c_backend_is_built_from_these_sources(c_api: Any) -> None:
    assert c_api.digest == sources.digest(ROOT)


@pytest.mark.parametrize("source", sources.SOURCES)
def test_digest_depends_on_every_source(source: str, tmp_path: Path) -> None:
    for name in sources.SOURCES:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / name)
    assert sources.digest(tmp_path) == sources.digest(ROOT)
    with (tmp_path / source).open("a") as file:
        file.write(" ")
    assert sources.digest(tmp_path) != sources.digest(ROOT)


def test_digest_without_sources(tmp_path: Path) -> None:
    assert sources.digest(tmp_path) is None
