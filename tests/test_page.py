"""The HTML reports in a real browser: Debian's Chromium, headless, driven by Playwright."""

import shutil

import pytest

from pysock_raw.conformance.case import chosen
from pysock_raw.conformance.compare import compare_cases, compare_script
from pysock_raw.conformance.syscalls import unavailable
from pysock_raw.report import html
from pysock_raw.report.diff import diff
from pysock_raw.report.json import to_json

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed")
playwright = pytest.importorskip("playwright.sync_api", reason="Playwright is not installed")

CASES = ["listen/tcp/*", "listen/local/negative-backlog", "socket/no-close-on-exec", "bind/null", "bind/tcp/in-use"]
CASE = "listen/local/negative-backlog"


@pytest.fixture(scope="module")
def document(sides):
    return to_json(compare_cases(chosen(CASES, None), sides))


@pytest.fixture(scope="module")
def url(document, tmp_path_factory):
    path = tmp_path_factory.mktemp("page") / "report.html"
    with open(path, "w", encoding="utf-8") as file:
        html.page(document, file)
    return path.as_uri()


@pytest.fixture(scope="module")
def browser():
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])  # tests may run as root
        yield browser
        browser.close()


@pytest.fixture
def visit(browser):
    """visit(url, **options of the context): the page. In the end no page has complained or asked for anything."""
    contexts, complaints, requests = [], [], []

    def visit(url, **options):
        contexts.append(browser.new_context(**options))
        contexts[-1].set_default_timeout(10_000)
        page = contexts[-1].new_page()
        page.on("console", lambda message: complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("dialog", lambda dialog: complaints.append(dialog.message))
        page.on("request", lambda request: requests.append(request.url.partition("#")[0]))
        page.goto(url)
        return page

    yield visit
    for context in contexts:
        context.close()
    assert complaints == []
    assert all(request.startswith("file:") for request in requests)
    assert len(set(requests)) <= 1  # none if the test was skipped


def case(page, id):
    return page.locator("details.case").filter(has=page.locator(".id").get_by_text(id, exact=True))


def test_it_opens(visit, url, document):
    page = visit(url)
    assert page.title() == "Sockets in C and in Python"
    assert "Everything is explained." in page.locator("header").inner_text()
    assert page.locator("details.case").count() == len(document["cases"])
    assert page.locator("#calls tbody tr").count() == 3
    assert page.locator("output").inner_text() == f"{len(document['cases'])} of {len(document['cases'])} cases"


@pytest.mark.parametrize(
    ("name", "value", "ids"),
    [
        ("call", "bind", {"bind/null", "bind/tcp/in-use"}),
        ("verdict", "stdlib:refused", {"bind/null"}),
        ("words", "eaddrinuse  IN-USE", {"bind/tcp/in-use"}),
        ("words", "clients that fit", {CASE}),
    ],
)
def test_the_filter_leaves_what_fits(name, value, ids, visit, url, with_c):
    page = visit(url)
    field = page.locator(f"[name={name}]")
    field.fill(value) if name == "words" else field.select_option(value)
    shown = set(page.locator("details.case:visible .id").all_inner_texts())
    assert shown == ids
    assert page.locator("output").inner_text().startswith(f"{len(shown)} of ")
    page.get_by_role("button", name="Clear").click()
    assert page.locator("details.case:visible").count() == page.locator("details.case").count()


def test_a_case_opens_by_keyboard_and_shows_what_differs(visit, url, with_c):
    page = visit(url)
    found = case(page, CASE)
    assert not found.locator("table").is_visible()
    found.locator("> summary").focus()
    page.keyboard.press("Enter")
    assert found.locator("table").is_visible()
    assert found.locator("thead th").all_inner_texts() == ["C", "fallback", "stdlib"]
    assert found.locator("td.off mark").all_inner_texts() == ["-1 EAGAIN"]
    assert found.locator("td.off .badge").all_inner_texts() == ["differs"]
    assert found.locator("blockquote").is_visible()
    assert "Python for the shortest" in found.locator(".why").inner_text()


def test_slash_goes_to_the_filter(visit, url):
    page = visit(url)
    page.keyboard.press("/")
    page.keyboard.type("in-use")
    assert page.locator("[name=words]").input_value() == "in-use"


@pytest.mark.parametrize("javascript", [True, False])
def test_an_anchor_opens_its_case(javascript, visit, url):
    page = visit(f"{url}#case-{CASE}", java_script_enabled=javascript)
    playwright.expect(case(page, CASE).locator("table")).to_be_in_viewport()
    assert page.locator("details.case[open]").count() == 1


def test_a_link_to_a_case_leads_there_though_it_was_filtered_out(visit, url, with_c):
    page = visit(f"{url}#difference-listen-negative-backlog")
    page.locator("[name=call]").select_option("bind")
    page.locator("details.difference").get_by_role("link", name=CASE).click()
    playwright.expect(case(page, CASE).locator("table")).to_be_in_viewport()


def test_a_sign_of_the_errnos_leads_to_its_evidence(visit, url):
    page = visit(url)
    page.locator("#errnos tr", has_text="EADDRINUSE").get_by_role("link", name="provoked: address in use").click()
    playwright.expect(case(page, "bind/tcp/in-use").locator("table")).to_be_in_viewport()


def test_it_is_useful_without_javascript(visit, url):
    page = visit(url, java_script_enabled=False)
    assert not page.locator("#filter").is_visible()
    case(page, CASE).locator("> summary").click()
    assert case(page, CASE).locator("table").is_visible()


def test_light_dark_and_paper(visit, url):
    def background(page):
        return page.evaluate("getComputedStyle(document.body).backgroundColor")

    light, dark = visit(url, color_scheme="light"), visit(url, color_scheme="dark")
    assert background(light) == "rgb(253, 253, 251)"
    assert background(dark) == "rgb(22, 24, 27)"
    dark.emulate_media(media="print")
    assert background(dark) == "rgb(255, 255, 255)"
    assert not dark.locator("#filter").is_visible()


def test_everything_that_can_be_used_has_a_name(visit, url):
    page = visit(url)
    for element in page.locator("input, select, button").all():
        assert element.evaluate("element => (element.labels?.[0] ?? element).textContent.trim().length") > 3
    for table in page.locator("table").all():
        assert table.locator("th[scope]").count() > 1


def test_markup_of_a_script_is_text(visit, markup_script, sides, tmp_path):
    path = tmp_path / "report.html"
    with open(path, "w", encoding="utf-8") as file:
        html.page(to_json(compare_script(markup_script, sides)), file)
    page = visit(path.as_uri())
    assert page.locator("u, main i, img, body script").count() == 1  # the page's own
    assert page.locator("h1").inner_text() == "<u>%20 [bold].py in C and in Python, call by call"
    page.locator("details.printed summary").first.click()
    assert page.locator("details.printed pre").first.inner_text() == "<script>alert(1)</script>\\x1b[31m & \\u202e\n"
    page.get_by_role("link", name="link to this case").click()
    playwright.expect(page.locator(".body:target")).to_have_count(1)


def test_a_script_shows_its_stages_and_folds_its_system_calls(visit, sides, with_c, tmp_path):
    if why := unavailable():
        pytest.skip(why)
    (tmp_path / "script.py").write_text(
        "import pysock_raw as c\nfd = c.socket(c.AF_INET, c.SOCK_STREAM, 0)\nc.listen(fd, 1)\nc.close(fd)\n"
    )
    path = tmp_path / "report.html"
    with open(path, "w", encoding="utf-8") as file:
        html.render(compare_script(tmp_path / "script.py", sides, syscalls=True), file)
    page = visit(path.as_uri())
    assert page.locator("#stages svg.stages").is_visible()
    assert page.locator("#stages svg .call").all_text_contents() == ["socket", "listen", "close"]
    socket = page.locator("tr.syscalls").first
    assert not socket.locator("dd").first.is_visible()
    socket.locator("summary").click()
    cloexec = "socket(AF_INET, SOCK_STREAM|SOCK_CLOEXEC, IPPROTO_IP) = 3"
    assert socket.locator("dd").all_inner_texts() == [
        "socket(AF_INET, SOCK_STREAM, IPPROTO_IP) = 3", cloexec, "ioctl(3, FIONCLEX) = 0", cloexec,
    ]  # fmt: skip
    assert socket.locator("dt").all_inner_texts() == ["C", "fallback", "stdlib"]


def test_what_changed_opens(visit, document, tmp_path):
    other = {**document, "cases": document["cases"][1:], "file": "<b>B</b>"}
    with open(tmp_path / "diff.html", "w", encoding="utf-8") as file:
        html.render_diff(diff(document | {"file": "A"}, other), file)
    page = visit((tmp_path / "diff.html").as_uri())
    assert page.locator(".lede").inner_text().startswith("1 change in ")
    assert page.get_by_text("<b>B</b>").is_visible()
