"""The report in Chromium: nothing is asked for, nothing is missing, nobody is shut out."""

import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ppbench.reporting.html.page import write_page
from ppbench.runs.report import report_content
from tests.report.made_runs import HOSTILE, run_of

WIDTHS, THEMES = (390, 1400), ("light", "dark")


@pytest.fixture(scope="session")
def chromium() -> Iterator[Any]:
    """A headless Chromium."""
    path = os.environ.get("PPBENCH_CHROMIUM") or next(
        (
            found
            for name in ("chromium", "chromium-browser", "google-chrome")
            if (found := shutil.which(name))
        ),
        None,
    )
    if path is None:
        pytest.skip("needs Chromium: apt-get install chromium, or name its program in PPBENCH_CHROMIUM")
    sync_api = pytest.importorskip("playwright.sync_api")
    with sync_api.sync_playwright() as driver:
        # A container's root has no user namespaces to build the sandbox from; the pages are our own.
        browser = driver.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def axe() -> str:
    """The source of axe-core, which `make browser` fetches."""
    path = Path(sys.prefix) / "axe" / "node_modules" / "axe-core" / "axe.min.js"
    if not path.is_file():
        pytest.skip("needs axe-core: make browser")
    return path.read_text()


@pytest.fixture(scope="module")
def report(base_run, tmp_path_factory) -> Path:
    """The report of five models, four of them with hostile names."""
    folder = tmp_path_factory.mktemp("browser")
    run = run_of(base_run, ("resnet20", *HOSTILE), folder / "run")
    write_page(report_content([run]), folder / "report.html")
    return folder / "report.html"


@pytest.fixture(params=[(width, theme) for width in WIDTHS for theme in THEMES], ids=str)
def opened(request, chromium, report) -> Iterator[Any]:
    """The report, opened at one width in one theme, and what the browser said and asked for on the way."""
    width, theme = request.param
    context = chromium.new_context(viewport={"width": width, "height": 900}, color_scheme=theme)
    page = context.new_page()
    page.said, page.asked = [], []
    page.on("console", lambda message: page.said.append(message.text))
    page.on("pageerror", lambda error: page.said.append(str(error)))
    page.on("dialog", lambda dialog: (page.said.append(dialog.message), dialog.dismiss()))
    page.on("request", lambda request: page.asked.append(request.url))
    page.goto(report.as_uri())
    yield page
    context.close()


def test_a_page_opens_in_silence(opened, report):
    """No message on the console, no dialog, no request but for the file itself and the data in it."""
    assert opened.said == []
    assert [url for url in opened.asked if not url.startswith("data:")] == [report.as_uri()]


def test_every_figure_is_there(opened):
    """Every drawing, picture and table has an extent, drawings show text, and pictures have loaded."""
    boxes = opened.evaluate(
        """() => [...document.querySelectorAll('svg.drawn, img, table')].filter(e => !e.closest('details')).map(e => {
            const box = e.getBoundingClientRect();
            return [e.tagName, box.width, box.height, e.tagName != 'IMG' || e.naturalWidth > 0];
        })"""
    )
    kinds = [kind for kind, *_ in boxes]
    assert (
        kinds.count("svg") == 4 + 15 + 1 + 5 + 2
    )  # groups, corruptions, the scatter, calibrations, strengths
    assert kinds.count("TABLE") >= 1 + 5 + 4
    assert kinds.count("IMG") > 20
    assert all(width > 20 and height > 20 and loaded for _, width, height, loaded in boxes)


def test_a_page_is_as_wide_as_its_window(opened):
    """Nothing but the tables' own regions scrolls sideways, and no drawing sticks out of the page."""
    width, inner = opened.evaluate("[document.documentElement.scrollWidth, window.innerWidth]")
    assert width <= inner
    right = opened.evaluate(
        "Math.max(...[...document.querySelectorAll('svg.drawn')].map(e => e.getBoundingClientRect().right))"
    )
    assert right <= inner


def test_errors_differences_and_facts_are_never_out_of_sight(opened):
    """Not on a phone either: these tables do not scroll sideways."""
    wider = opened.evaluate(
        """() => [...document.querySelectorAll('.scroll')]
            .filter(each => each.querySelector('.heat, .headline, .cards') && each.scrollWidth > each.clientWidth)
            .map(each => `${each.getAttribute('aria-label')}: ${each.scrollWidth} > ${each.clientWidth}`)"""
    )
    assert wider == []


def test_drawings_follow_the_theme(opened):
    """Text of drawings stands out from the page by 4.5 to 1 or more, light and dark alike."""
    worst = opened.evaluate(
        """() => {
            const light = c => { const v = c.match(/[\\d.]+/g).slice(0, 3).map(x => x / 255)
                .map(x => x <= 0.04045 ? x / 12.92 : ((x + 0.055) / 1.055) ** 2.4);
                return 0.2126 * v[0] + 0.7152 * v[1] + 0.0722 * v[2]; };
            const paper = light(getComputedStyle(document.body).backgroundColor);
            return Math.min(...[...document.querySelectorAll('svg.drawn text')].map(e => {
                const ink = light(getComputedStyle(e).fill);
                return (Math.max(ink, paper) + 0.05) / (Math.min(ink, paper) + 0.05); }));
        }"""
    )
    assert worst >= 4.5


def test_no_serious_barrier(opened, axe):
    """axe-core finds no serious and no critical violation, the folded tables opened."""
    opened.evaluate("document.querySelectorAll('details').forEach(each => { each.open = true; })")
    opened.evaluate(axe)
    found = opened.evaluate("axe.run(document)")
    serious = [
        (each["id"], each["help"], [node["html"][:200] for node in each["nodes"][:3]])
        for each in found["violations"]
        if each["impact"] in ("serious", "critical")
    ]
    assert len(found["passes"]) > 20  # it did look
    assert serious == []


def test_the_keyboard_gets_to_the_scores(chromium, report):
    """The first stop of the tab key is the link past the heading, and Enter moves on to the scores."""
    page = chromium.new_page()
    page.goto(report.as_uri())
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to the scores"
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "main"
    page.close()


def test_no_script_could_run(chromium, report):
    """The page's own policy stops a script, even one that somebody puts into the file."""
    page = chromium.new_page()
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    spoilt = report.with_name("spoilt.html")
    spoilt.write_text(
        report.read_text().replace("</main>", "<script>document.title = 'taken'</script></main>")
    )
    page.goto(spoilt.as_uri())
    assert page.title() != "taken"
    assert any("Content Security Policy" in text for text in said)
    page.close()


def test_print_is_light_and_whole(chromium, report):
    """On paper a page is dark on white whatever the theme, and its PDF has several pages."""
    page = chromium.new_page(color_scheme="dark")
    page.goto(report.as_uri())
    page.emulate_media(media="print", color_scheme="dark")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(254, 254, 254)"
    assert page.pdf(format="A4").count(b"/Type /Page\n") > 3
    page.close()
