"""The command line: pysock-raw, or python -m pysock_raw.

Exit status: 0 everything explained, 1 something unexplained or nonconforming, 2 wrong usage, 3 the environment
cannot run it.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib.util
import io
import json
import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from traceback import extract_tb
from typing import IO, Any, NoReturn, cast

from pysock_raw import report
from pysock_raw.backends import SIDES, NotBuilt, load
from pysock_raw.backends.contract import CALLS, Backend
from pysock_raw.command import ENVIRONMENT, EXPLAINED, TROUBLE, USAGE
from pysock_raw.script import at_the_end
from pysock_raw.trace_text import printable

EXAMPLES = """examples:
  pysock-raw compare                          every case on C, on the fallback and on the stdlib
  pysock-raw compare bind/tcp/* listen        some of them; --list names them all
  pysock-raw compare server.py                any program that uses pysock_raw
  pysock-raw compare -o report.html           a page to browse
  pysock-raw compare --format json | jq .summary
  pysock-raw diff here.json there.json        what another kernel or Python changes
  pysock-raw explain listen-negative-backlog  one difference, with its evidence
  pysock-raw search --seed 7 -o found.py      random programs, until nothing explains what one shows
  pysock-raw demo backlog --side stdlib       what happens in the kernel, step by step
  pysock-raw trace client.py                  the calls of a program, as strace would print them
  pysock-raw trace both.py --svg -o run.svg   a picture of its server and client
"""

COMPARE_EXAMPLES = """A script runs once on each side, with your own rights and in this directory, and once more if
something stays unexplained: what it does is done each time. Nothing is opened but what it opens.

examples:
  pysock-raw compare                          the whole catalogue
  pysock-raw compare bind/*                   the cases that a pattern names; a call alone is all of its cases
  pysock-raw compare --call accept            the same for one call
  pysock-raw compare server.py                a script, once on each side
  pysock-raw compare --sides c,stdlib         without the fallback
  pysock-raw compare -o report.html           .html, .json, .xml (JUnit) and .txt choose the format
  pysock-raw compare --format json | jq '.cases[] | select(.verdicts.stdlib == "refused").id'
  pysock-raw compare --list --errnos          the account of the documented errnos
"""

DIFF_EXAMPLES = """examples:
  pysock-raw compare -o here.json             on one machine, and on another: -o there.json
  pysock-raw diff here.json there.json        status 0 if both behave alike, 1 if anything changed
  pysock-raw diff here.json there.json -o changes.html
"""


class Failure(Exception):
    """An end with one clear line and an exit status."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status = status


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        self.exit(USAGE, f"{self.prog}: {printable(message)} (see {self.prog} --help)\n")


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="pysock-raw",
        description="The raw C socket calls from Python, and where Python's own sockets differ from them.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    does = "run cases, or a script, on several sides and judge the differences"
    compare = _command(commands, compare_command, does, COMPARE_EXAMPLES)
    compare.add_argument("case", nargs="*", metavar="CASE | SCRIPT.py", help="ids or globs of cases, or one script")
    compare.add_argument("--call", choices=CALLS, metavar="NAME", help="only the cases about this call")
    compare.add_argument(
        "--sides", type=_sides, metavar="c,python,stdlib", help="the first is compared with the others"
    )
    compare.add_argument("--list", action="store_true", help="name the cases and what they show; run nothing")
    compare.add_argument("--errnos", action="store_true", help="with --list: the account of the documented errnos")
    _report_to(compare, "text", "json", "junit", "html")
    compare.add_argument("--jobs", type=_positive(int), metavar="N", help="runs at a time (default: 4 for each CPU)")
    compare.add_argument("--deadline", type=_positive(float), metavar="SECONDS", help="for each run")
    compare.add_argument("--syscalls", action="store_true", help="the system calls of each call, by strace")
    diff = _command(commands, diff_command, "what changed between two comparisons", DIFF_EXAMPLES)
    diff.add_argument("a", type=Path, metavar="A.json", help="what compare -o A.json wrote")
    diff.add_argument("b", type=Path, metavar="B.json", help="the same of another kernel, Python, container, machine")
    _report_to(diff, "text", "json", "html")
    explain = _command(commands, explain_command, "the catalogue of differences, or one with its evidence")
    explain.add_argument("difference", nargs="?", metavar="DIFFERENCE")
    search = _command(commands, search_command, "random programs, until one differs and nothing explains it")
    search.add_argument("--programs", type=_positive(int), default=1000, metavar="N", help="how many (default: 1000)")
    search.add_argument(
        "--seed", type=int, default=0, metavar="S", help="the same seed, the same programs (default: 0)"
    )
    search.add_argument("--jobs", type=_positive(int), metavar="N", help="workers (default: 4 for each CPU)")
    search.add_argument("-o", "--output", type=Path, metavar="FILE", help="write the program that was found to a file")
    trace = _command(commands, trace_command, "run a script and print every call that it makes")
    trace.add_argument("script", type=Path, metavar="SCRIPT.py")
    trace.add_argument("argument", nargs="*", metavar="ARG", help="for the script; after -- if it begins with -")
    trace.add_argument("--side", choices=SIDES, default="c")
    trace.add_argument("--format", choices=("text", "jsonl", "svg"), default="text")
    trace.add_argument("--svg", dest="format", action="store_const", const="svg", help="a picture, as --format svg")
    trace.add_argument("-o", "--output", type=Path, metavar="FILE", help="instead of stderr; a picture: of stdout")
    demo = _command(commands, demo_command, "a lesson: what server and client do, and what the kernel says of it")
    demo.add_argument("lesson", nargs="?", metavar="LESSON")
    demo.add_argument("--side", choices=SIDES, help="default: c, or python where C is not built")
    demo.add_argument("--fast", action="store_true", help="all at once, not at reading speed (as when piped)")
    demo.add_argument("--list", action="store_true", help="name the lessons and what they show")
    demo.add_argument("--format", choices=("text", "json"), default="text", help="text needs the extra cli (rich)")
    constants = _command(commands, constants_command, "every name: its value in the headers, in Python, or missing")
    constants.add_argument(
        "--missing-in", choices=("stdlib", "c"), help="only the names that Python, or the headers, lack"
    )
    constants.add_argument("--format", choices=("text", "json"), default="text")
    bench = _command(commands, bench_command, "the price of each side against plain C, as ratios in one run")
    bench.add_argument("--rounds", type=_positive(int), default=100, metavar="N", help="how many (default: 100)")
    _report_to(bench, "text", "json", "svg", "html")
    _command(commands, info_command, "backend and reason, versions, kernel, what this machine can and cannot test")
    return parser


def _command(commands: Any, run: Any, help: str, examples: str | None = None) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = commands.add_parser(
        name := run.__name__.removesuffix("_command"),
        help=help,
        description=f"{name}: {help}.",
        epilog=examples,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.set_defaults(run=run)
    return parser


def _report_to(parser: argparse.ArgumentParser, *formats: str) -> None:
    """The options of a command that writes a report."""
    parser.add_argument("--format", choices=formats, help="otherwise FILE's suffix tells, or it is text")
    parser.add_argument("-o", "--output", type=Path, metavar="FILE", help="write the report to a file")
    parser.set_defaults(formats=formats)


def _positive(kind: type[Any]) -> Any:
    def positive(text: str) -> Any:
        number = kind(text)
        if not 0 < number <= 10**6:
            raise argparse.ArgumentTypeError(f"{text} is not above 0 and at most 1000000")
        return number

    positive.__name__ = kind.__name__
    return positive


def _sides(text: str) -> list[str]:
    sides = text.split(",")
    for side in sides:
        if side not in SIDES:
            raise argparse.ArgumentTypeError(f"there is no side {side!r}: choose from {','.join(SIDES)}")
    if len(set(sides)) != len(sides):
        raise argparse.ArgumentTypeError("a side is named twice")
    return sorted(sides, key=SIDES.index)  # the first is what the others are compared with


def main(arguments: Sequence[str] | None = None) -> int:
    arguments = sys.argv[1:] if arguments is None else arguments
    parser = _parser()
    options = parser.parse_args(arguments)
    _choose_format(parser, options)
    at_the_end(lambda number, frame: sys.exit(128 + number))  # so that children are ended
    try:
        if sys.stdout is None:
            raise Failure(ENVIRONMENT, "stdout is closed (>/dev/null is the way to be told nothing)")
        return cast(int, options.run(options))
    except Failure as failure:
        print(f"pysock-raw: {printable(str(failure))}", file=sys.stderr)
        return failure.status
    except KeyboardInterrupt:
        print("pysock-raw: interrupted", file=sys.stderr)
        return 130
    except OSError as error:
        print(f"pysock-raw: {options.command} cannot go on: {_told(error)}", file=sys.stderr)
        return ENVIRONMENT


def _told(error: OSError) -> str:
    """What the system said of which file, and where: it may not even allow a process or a descriptor more."""
    frame = extract_tb(error.__traceback__)[-1]
    what = f"{_reason(error)}: {error.filename}" if error.filename is not None else _reason(error)
    return f"{printable(what)} ({Path(frame.filename).name}:{frame.lineno}, {frame.name})"


def _reason(error: OSError) -> str:
    return error.strerror or str(error)


def _choose_format(parser: argparse.ArgumentParser, options: argparse.Namespace) -> None:
    """Where --format does not say it, the suffix of the report's file does."""
    if hasattr(options, "formats") and options.format is None:
        options.format = report.format_of(options.output)
        if options.format not in options.formats:
            writes = f"{options.command} writes {', '.join(options.formats)}"
            parser.error(f"{writes}, and {options.output} names none of them: choose with --format")


def compare_command(options: argparse.Namespace) -> int:
    from pysock_raw.conformance.compare import compare_cases, compare_script

    script = _script(options.case)
    if options.errnos and not options.list:
        raise Failure(USAGE, "--errnos goes with --list")
    if options.list:
        if options.format not in ("text", "json"):
            raise Failure(USAGE, f"--list is text or json, not {options.format}")
        return _list_errnos(options) if options.errnos else _list(options)
    sides = options.sides or _sides_here()
    plain = options.format == "text" and not options.syscalls and importlib.util.find_spec("rich") is None
    render = _renderer("plain" if plain else options.format)
    if options.syscalls:
        _strace()
    _ready(options.output)
    cases = [] if script else _cases(options)
    how: dict[str, Any] = {"syscalls": options.syscalls} | ({"deadline": options.deadline} if options.deadline else {})
    try:
        with _progress() as progress:
            if script:
                found = compare_script(script, sides, progress=progress, **how)
            else:
                found = compare_cases(cases, sides, jobs=options.jobs, progress=progress, **how)
    except ImportError as error:
        raise Failure(ENVIRONMENT, f"cannot compare on {','.join(sides)}: {error}") from error
    with _output(options.output) as file:
        render(found, file)
    return found.status


def diff_command(options: argparse.Namespace) -> int:
    from pysock_raw.report import diff

    render = _renderer(options.format, "render_diff")
    try:
        changes = diff.diff(diff.read(options.a), diff.read(options.b))
    except diff.NoReport as error:
        raise Failure(USAGE, str(error)) from error
    with _output(options.output) as file:
        render(changes, file)
    return TROUBLE if changes["summary"]["changed"] else EXPLAINED


def _script(cases: list[str]) -> Path | None:
    scripts = [case for case in cases if case.endswith(".py")]
    if scripts and len(cases) > 1:
        raise Failure(USAGE, "compare takes cases or one script, not several things at once")
    if scripts and not Path(scripts[0]).is_file():
        raise Failure(USAGE, f"there is no script {scripts[0]}")
    return Path(scripts[0]) if scripts else None


def _cases(options: argparse.Namespace) -> list[Any]:
    from pysock_raw.conformance.case import chosen

    try:
        return chosen(options.case, options.call)
    except LookupError as error:
        raise Failure(USAGE, str(error.args[0])) from error


def _sides_here() -> list[str]:
    """All sides, or without the C one where it is not built. A stale or broken one is an error: no evidence."""
    try:
        load("c")
    except NotBuilt:
        return ["python", "stdlib"]
    except ImportError as error:
        raise Failure(ENVIRONMENT, f"the C backend is there and cannot be used: {error}") from error
    return list(SIDES)


def _renderer(format: str, name: str = "render") -> Any:
    try:
        return report.renderer(format, name)
    except ModuleNotFoundError as error:
        raise Failure(
            ENVIRONMENT,
            f"{format.rpartition('.')[2]} needs {error.name}: pip install 'pysock_raw[cli]', or use --format json",
        ) from error


def _ready(path: Path | None) -> None:
    """Find out that a report cannot be written before the work for it is done."""
    if path is not None and (os.path.isdir(path) or not os.access(path.parent, os.W_OK)):
        with _output(path):
            pass


def _strace() -> None:
    from pysock_raw.conformance.syscalls import unavailable

    why = unavailable()
    if why:
        raise Failure(ENVIRONMENT, f"--syscalls: {why}")


def _list(options: argparse.Namespace) -> int:
    cases = _cases(options)
    with _output(options.output) as file:
        if options.format == "json":
            listed = [{"id": case.id, "call": case.call, "shows": case.shows} for case in cases]
            file.write(json.dumps(listed, indent=1) + "\n")
        else:
            file.writelines(f"{case.id}\t{case.shows}\n" for case in cases)
    return EXPLAINED


def _list_errnos(options: argparse.Namespace) -> int:
    from pysock_raw.conformance.errnos import rows

    chosen = [row for row in rows() if options.call in (None, row.call)]
    with _output(options.output) as file:
        if options.format == "json":
            file.write(json.dumps([vars(row) for row in chosen], indent=1) + "\n")
        else:
            file.writelines(
                f"{row.call}\t{row.errno}\t{row.account}\t{row.evidence}\t{row.condition}\n" for row in chosen
            )
    return EXPLAINED


def _unseen(done: int, of: int) -> None:
    pass


@contextlib.contextmanager
def _progress(doing: str = "comparing") -> Iterator[Any]:
    """A callback that shows how far a run is, on a terminal, if rich is there to draw it."""
    if not sys.stderr.isatty() or importlib.util.find_spec("rich") is None:
        yield _unseen
        return
    from rich.console import Console
    from rich.progress import Progress

    # No refreshing thread: the runner forks, and a child must not inherit one's locks.
    with Progress(console=Console(stderr=True), transient=True, auto_refresh=False) as progress:
        bar = progress.add_task(doing)
        yield lambda done, of: progress.update(bar, completed=done, total=of, refresh=done % 8 == 0 or of < 8)


@contextlib.contextmanager
def _output(path: Path | None = None) -> Iterator[IO[str]]:
    """stdout, or a file that appears whole or not at all."""
    from pysock_raw.report.files import whole

    if path is None:
        with _stdout():
            yield sys.stdout
        return
    try:
        with whole(path) as file:
            yield file
    except OSError as error:
        raise Failure(ENVIRONMENT, f"cannot write {path}: {_reason(error)}") from error


@contextlib.contextmanager
def _stdout() -> Iterator[None]:
    """Write to stdout all that is to be written, or say why not."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # a terminal without UTF-8, as Python has it for stderr
    try:
        yield
        sys.stdout.flush()
    except OSError as error:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # what has not been written is given up
        if isinstance(error, BrokenPipeError):  # the reader of a pipe has left, and knows no verdict
            sys.exit(ENVIRONMENT)
        raise Failure(ENVIRONMENT, f"cannot write: {_reason(error)}") from error


def _say(*lines: str) -> None:
    with _output() as out:
        print(*lines, sep="\n", file=out)


def explain_command(options: argparse.Namespace) -> int:
    from pysock_raw.conformance.differences import CATALOGUE
    from pysock_raw.report import explain

    if options.difference is None:
        _say(
            *explain.listed(CATALOGUE),
            f"\n{len(CATALOGUE)} differences; pysock-raw explain ID runs the evidence of one",
        )
        return EXPLAINED
    found = next((difference for difference in CATALOGUE if difference.id == options.difference), None)
    if found is None:
        raise Failure(USAGE, f"there is no difference {options.difference!r} (pysock-raw explain lists them)")
    _say(*explain.entry(found))
    return _evidence(found)


def _evidence(difference: Any) -> int:
    """Run the evidence of a difference on all sides, and its recipe."""
    from pysock_raw.conformance.case import chosen
    from pysock_raw.conformance.compare import compare_cases
    from pysock_raw.conformance.recipes import Written
    from pysock_raw.report import explain

    cases, sides = chosen([difference.evidence], None), _sides_here()
    report = compare_cases(cases, sides)
    (result,) = report.results
    if result.skipped:
        raise Failure(ENVIRONMENT, f"the evidence cannot be run here: {result.skipped}")
    _say(*explain.evidence(result))
    if difference.recipe:
        written = cast(Backend, Written(difference.call, difference.recipe))
        (result,) = compare_cases(cases, [sides[0], "stdlib"], instead={cases[0].id: written}).results
        verdict = result.comparisons["stdlib"].verdict
        _say(f"\nthe recipe   in place of {difference.call} on the stdlib side: {verdict}")
    return report.status


def search_command(options: argparse.Namespace) -> int:
    from pysock_raw.conformance.needs import lacking

    try:
        from pysock_raw.conformance.search import search
        from pysock_raw.report import search as search_report

        for side in SIDES:
            load(side)
    except ModuleNotFoundError as error:
        raise Failure(ENVIRONMENT, f"search needs {error.name}: pip install 'pysock_raw[search]'") from error
    except ImportError as error:
        raise Failure(ENVIRONMENT, f"search compares all sides: {error}") from error
    if lack := lacking("netns"):
        raise Failure(ENVIRONMENT, f"search runs its programs in a network namespace of their own: {lack}")
    with _progress() as progress:
        found = search(options.programs, options.seed, jobs=options.jobs, progress=progress)
    with _output() as out:
        search_report.render(found, options.seed, out)
    if found.unexplained:
        with _output(options.output) as file:
            file.write(found.unexplained)
    return TROUBLE if found.unexplained else EXPLAINED


def trace_command(options: argparse.Namespace) -> int:
    from pysock_raw.script import run_as_program
    from pysock_raw.trace import Recorded, out_of_the_way, writer
    from pysock_raw.trace_text import line

    if not options.script.is_file():
        raise Failure(USAGE, f"there is no script {options.script}")
    if options.format == "svg":
        return _picture(options)
    try:
        api = load(options.side)
        file = 2
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND  # other programs may record to the same file
        if options.output is not None:
            file = out_of_the_way(os.open(options.output, flags, 0o666))
    except ImportError as error:
        raise Failure(ENVIRONMENT, str(error)) from error
    except OSError as error:
        raise Failure(ENVIRONMENT, f"cannot write {options.output}: {_reason(error)}") from error
    form = json.dumps if options.format == "jsonl" else line
    return run_as_program(options.script, options.argument, cast(Backend, Recorded(api, writer(file, form))))


def demo_command(options: argparse.Namespace) -> int:
    from pysock_raw.lessons.lesson import lacks, lessons, play

    if options.list:
        return _list_lessons(options)
    lesson = lessons().get(options.lesson)
    if lesson is None:
        wrong = "which lesson?" if options.lesson is None else f"there is no lesson {options.lesson!r}:"
        raise Failure(USAGE, f"{wrong} choose one of {', '.join(lessons())}")
    if lacks(lesson):
        raise Failure(ENVIRONMENT, f"the lesson {lesson.name} cannot be run here: {lacks(lesson)}")
    if options.format == "text":
        _renderer("text")
    try:
        played = play(lesson, load(options.side or _sides_here()[0]))
    except ImportError as error:
        raise Failure(ENVIRONMENT, str(error)) from error
    if options.format == "json":
        _say(json.dumps(played.to_json(), indent=1))
    else:
        from pysock_raw.report import lesson as report

        with _output() as out:
            report.render(played, out, *([report.reading] if out.isatty() and not options.fast else []))
    if played.ended:
        raise Failure(ENVIRONMENT, f"the lesson {lesson.name} ended early: {played.ended}")
    return EXPLAINED


def _list_lessons(options: argparse.Namespace) -> int:
    from pysock_raw.lessons.lesson import lessons

    listed = [{"name": lesson.name, "title": lesson.title, "shows": lesson.shows} for lesson in lessons().values()]
    if options.format == "json":
        _say(json.dumps(listed, indent=1))
    else:
        _say(*(f"{row['name']:<20} {row['shows']}" for row in listed))
    return EXPLAINED


def _picture(options: argparse.Namespace) -> int:
    """The stages of a script and of the Python programs that it starts. What they print goes to stderr."""
    from pysock_raw.report.stages import svg
    from pysock_raw.script import record_script

    try:
        load(options.side)
    except ImportError as error:
        raise Failure(ENVIRONMENT, str(error)) from error
    recording = record_script(options.script, options.argument, options.side)
    if recording.strange:
        print(f"pysock-raw: lines of the trace that are no records, left out: {recording.strange}", file=sys.stderr)
    if not recording.records:
        raise Failure(TROUBLE, f"{options.script} made no call through pysock_raw: there is nothing to draw")
    with _output(options.output) as file:
        file.write(svg(recording.records))
    return recording.status


def constants_command(options: argparse.Namespace) -> int:
    from pysock_raw.availability import rows, text

    try:
        found = [row for row in rows() if options.missing_in is None or row.lacking(options.missing_in)]
    except ImportError as error:
        raise Failure(ENVIRONMENT, f"the values in the headers need the C backend: {error}") from error
    _say(json.dumps([vars(row) for row in found], indent=1) if options.format == "json" else text(found))
    return EXPLAINED


def bench_command(options: argparse.Namespace) -> int:
    """A target that is missed is said in the last line and is no failure: a benchmark judges a machine too."""
    from pysock_raw.bench.measure import measure

    render = _renderer(f"bench.{options.format}")
    _ready(options.output)
    try:
        with _progress("measuring") as progress:
            measured = measure(options.rounds, progress)
    except (OSError, RuntimeError) as error:
        raise Failure(ENVIRONMENT, f"a job of the benchmark failed: {error}") from error
    with _output(options.output) as file:
        render(measured, file)
    return EXPLAINED


def info_command(options: argparse.Namespace) -> int:
    import pysock_raw
    from pysock_raw.conformance.environment import environment
    from pysock_raw.conformance.needs import NEEDS, lacking

    facts = environment()
    c = facts.pop("c_backend")
    _say(
        f"backend     {pysock_raw.backend}: {pysock_raw.backend_reason}",
        f"C backend   {c['missing'] or c['compiler'] + ', sources ' + c['digest'][:12]}",
        *(f"{name:<11} {value}" for name, value in facts.items()),
        *(
            f"cannot test {means}: {lacking(need)}" if lacking(need) else f"can test    {means}"
            for need, (means, _) in NEEDS.items()
        ),
    )
    return EXPLAINED
