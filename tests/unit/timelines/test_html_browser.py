"""The page in a real browser: it loads, shows why on pointing, moves through time, switches releases, obeys keys."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from shutil import which
from typing import Any, Final

import pytest

from kubesim.graphs.answers import answers, as_rows
from kubesim.history.history import History
from kubesim.timelines.html import write_page
from tests.unit.timelines.lanes_by_hand import crowd, job

HISTORIES: Final = Path(__file__).parent / "histories"
CHROMIUM: Final = os.environ.get("CHROMIUM") or which("chromium") or which("chromium-browser")

playwright: Any = pytest.importorskip("playwright.sync_api", reason="Playwright is not installed")
if CHROMIUM is None:
    pytest.skip("chromium is not installed, or name it in the variable CHROMIUM", allow_module_level=True)

Open = Callable[..., Any]


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with playwright.sync_playwright() as driver:
        started = driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield started
        started.close()


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The files of the pages that the tests open."""
    deleted = [History.read(HISTORIES / f"demo-delete-{release}.jsonl") for release in ("1.28", "1.29")]
    folder = tmp_path_factory.mktemp("pages")
    found = {}
    for name, histories in {"deleted": deleted, "one": deleted[1:], "crowd": [crowd()], "job": [job()]}.items():
        known = [[as_rows(answer, one.started) for answer in answers(one)] for one in histories]
        found[name] = folder / f"{name}.html"
        write_page(histories, found[name], known)
    return found


@pytest.fixture
def opened(browser: Any, pages: dict[str, Path]) -> Iterator[Open]:
    """Opens a page; at the end of the test it must have said nothing on the console and asked nobody for anything."""
    contexts, said, asked = [], [], []

    def open_(name: str, address: str = "", **options: Any) -> Any:
        context = browser.new_context(viewport={"width": 1200, "height": 900}, **options)
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: said.append(message.text))
        page.on("pageerror", lambda error: said.append(str(error)))
        page.on("request", lambda request: asked.append(request.url))
        page.goto(pages[name].as_uri() + address)
        return page

    yield open_
    for context in contexts:
        context.close()
    assert said == []
    assert [url for url in asked if not url.startswith(("file:", "data:"))] == []


def item(page: Any, place: str, run: int = 1) -> Any:
    """A thing on the chart by its place in a run, such as ``proxy/mark0``."""
    return page.locator(f'.item[data-key="{run}/demo/{place}"]')


def mark(page: Any, container: str, words: str) -> Any:
    """The first mark of a container on 1.29 whose title has these words."""
    keys = page.evaluate("[...document.querySelectorAll('.item')].map((one) => one.dataset.key)")
    for key in keys:
        if key.startswith(f"1/demo/{container}/mark"):
            found = page.locator(f'.item[data-key="{key}"]')
            found.hover(force=True)
            if words in page.locator("#tip").inner_text():
                return found
    raise AssertionError(f"no {words} of {container} among {keys}")


def test_it_loads_with_a_panel_for_each_release(opened: Open) -> None:
    page = opened("deleted")
    assert page.title() == "demo-delete"
    assert page.locator(".panel").count() == 2
    assert page.locator(".panel .chip").all_inner_texts() == ["1.28 (SidecarContainers=true)", "1.29"]
    assert "all containers get SIGTERM at once; on 1.29 the sidecar proxy waits" in page.locator("#said").inner_text()


def test_pointing_tells_why_with_rules_and_selecting_adds_the_documentation(opened: Open) -> None:
    page = opened("deleted")
    found = mark(page, "proxy", "SIGTERM")
    told = page.locator("#tip").inner_text()
    assert "proxy: SIGTERM" in told
    assert "K-" in told
    found.click(force=True)
    details = page.locator("#details")
    assert "proxy: SIGTERM" in details.inner_text()
    links = details.locator("a").all()
    assert links
    assert all(link.get_attribute("href").startswith("https://kubernetes.io/docs/") for link in links)


def test_the_scrubber_shows_what_kubectl_would_show_then(opened: Open) -> None:
    page = opened("one")
    shown = page.locator("#instant")
    assert "Pending" in shown.inner_text()
    scrub(page, 11)
    assert "+11." in page.locator("#instant-title").inner_text()
    assert "2/2     Running" in shown.inner_text()
    assert "Started container app" in shown.inner_text()
    scrub(page, 13)
    assert "Terminating" in shown.inner_text()
    assert "being deleted, grace 20 s" in shown.inner_text()
    page.locator("#scrubber").press("End")
    assert "No resources found" in shown.inner_text()


def scrub(page: Any, seconds: float) -> None:
    """Move the slider with the keys of a keyboard until it is at an instant or just behind it."""
    page.locator("#scrubber").evaluate(
        """(slider, wanted) => {
            for (let value = 0; value <= 100000; value += 400) {
                slider.value = value;
                slider.dispatchEvent(new Event("input"));
                if (parseFloat(document.getElementById("now").textContent) >= wanted) return;
            }
        }""",
        seconds,
    )


def test_releases_are_switched_by_button_and_by_key(opened: Open) -> None:
    page = opened("deleted")
    page.get_by_role("button", name="1.29", exact=True).click()
    assert page.locator(".panel .chip").all_inner_texts() == ["1.29"]
    assert page.get_by_role("button", name="1.29", exact=True).get_attribute("aria-pressed") == "true"
    page.keyboard.press("1")
    assert page.locator(".panel .chip").all_inner_texts() == ["1.28 (SidecarContainers=true)"]
    page.keyboard.press("a")
    assert page.locator(".panel").count() == 2


def test_everything_can_be_done_with_keys(opened: Open) -> None:
    page = opened("one")
    page.locator("#chart").focus()
    seen = []
    for key in ["ArrowDown"] * 7 + ["ArrowRight", "ArrowRight", "ArrowLeft", "ArrowUp"]:
        page.keyboard.press(key)
        seen.append(page.locator("#details .what").inner_text())
    down, right, further, left, up = seen[-5:]
    assert seen[0].startswith("phase")
    assert down.startswith("prepare")
    assert len({down, right, further}) == 3
    assert left == right
    assert up.startswith("Ready:")
    page.keyboard.press("Escape")
    assert "Point at anything" in page.locator("#details").inner_text()
    before = page.locator("#now").inner_text()
    page.keyboard.press(".")
    assert page.locator("#now").inner_text() > before
    page.keyboard.press("?")
    assert page.locator("#help").is_visible()
    page.keyboard.press("Escape")
    assert not page.locator("#help").is_visible()


def view(page: Any) -> list[float]:
    """The part of the whole that is shown, out of the address."""
    known = page.evaluate("new URLSearchParams(location.hash.slice(1)).get('view') || '0-1'")
    return [float(part) for part in known.split("-")]


def test_zoom_and_pan_by_buttons_keys_wheel_and_dragging(opened: Open) -> None:
    page = opened("one")
    chart = page.locator("#chart").bounding_box()
    middle = (chart["x"] + chart["width"] * 0.6, chart["y"] + chart["height"] * 0.6)
    page.locator("#zoom-in").click()
    low, high = view(page)
    assert 0 < high - low < 1
    page.keyboard.press("f")
    assert view(page) == [0, 1]
    page.mouse.move(*middle)
    page.keyboard.down("Control")
    page.mouse.wheel(0, -300)
    page.keyboard.up("Control")
    page.wait_for_function("location.hash.includes('view')")
    low, high = view(page)
    assert 0 < low < high < 1
    page.mouse.down()
    page.mouse.move(middle[0] - 60, middle[1], steps=4)
    page.mouse.up()
    assert view(page)[0] > low
    page.locator("#chart").focus()
    at = view(page)[0]
    page.keyboard.press("Shift+ArrowLeft")
    assert view(page)[0] < at


def test_the_address_opens_the_same_view(opened: Open) -> None:
    page = opened("deleted")
    page.keyboard.press("2")
    mark(page, "proxy", "SIGTERM").click(force=True)
    page.locator("#zoom-in").click()
    address = page.evaluate("location.hash")
    assert "run=1" in address
    again = opened("deleted", address)
    assert again.locator(".panel .chip").all_inner_texts() == ["1.29"]
    assert "proxy: SIGTERM" in again.locator("#details").inner_text()
    assert again.locator("#now").inner_text() == page.locator("#now").inner_text()
    assert view(again) == view(page)


def test_why_a_container_ended_is_answered_by_the_page_alone(opened: Open) -> None:
    page = opened("deleted")
    page.keyboard.press("2")
    page.get_by_role("button", name="Why did proxy end").click()
    steps = page.locator("#questions li").all_inner_texts()
    assert "delete" in steps[0]
    assert any("SIGTERM to proxy" in step for step in steps)
    assert "proxy exited" in steps[-1]
    told = page.locator("#questions").inner_text()
    assert "app" in told, "the sidecar waited for app"


def test_dark_is_taken_from_the_system_and_changed_by_hand(opened: Open) -> None:
    page = opened("one", color_scheme="dark")
    colour = "getComputedStyle(document.body).backgroundColor"
    dark = page.evaluate(colour)
    assert sum(map(int, dark[4:-1].split(","))) < 200
    page.keyboard.press("d")
    assert page.evaluate(colour) == "rgb(255, 255, 255)"


def test_printed_it_is_light_whole_and_without_controls(opened: Open) -> None:
    page = opened("one", color_scheme="dark")
    page.locator("#zoom-in").click()
    page.emulate_media(media="print", color_scheme="dark")
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert view(page) == [0, 1]
    assert not page.locator(".bar").is_visible()
    assert not page.locator("#scrubber").is_visible()
    story = page.locator("#story").evaluate("(one) => [one.scrollHeight, one.clientHeight]")
    assert story[0] == story[1], "the whole story is on paper"
    assert len(page.pdf()) > 10_000
    page.evaluate("dispatchEvent(new Event('afterprint'))")
    assert view(page) != [0, 1]


OVERLAPS: Final = """
() => [...document.querySelectorAll("#chart svg")].flatMap((svg) => {
    const texts = [...svg.querySelectorAll("text")].map((one) => [one.textContent, one.getBoundingClientRect()]);
    const inside = texts.filter(([, box]) => box.width > 0);
    return inside.flatMap(([words, a], place) => inside.slice(place + 1)
        .filter(([, b]) => Math.min(a.right, b.right) - Math.max(a.left, b.left) > 0.5
                        && Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top) > 2.5)
        .map(([others]) => `${words} / ${others}`));
})
"""


@pytest.mark.parametrize("width", [700, 1200])
@pytest.mark.parametrize("name", ["deleted", "crowd", "job"])
def test_no_text_of_the_chart_overlaps_another(opened: Open, name: str, width: int) -> None:
    page = opened(name)
    page.set_viewport_size({"width": width, "height": 900})
    page.wait_for_function(f"document.querySelector('#chart svg').viewBox.baseVal.width < {width}")
    assert page.locator("#chart text").count() > 10
    assert page.evaluate(OVERLAPS) == []
    page.evaluate("(one => one.parentNode.append(one.cloneNode(true)))(document.querySelector('#chart text'))")
    assert page.evaluate(OVERLAPS) != [], "it would be seen"


def test_thirty_containers_and_the_pods_of_a_job_have_lanes(opened: Open) -> None:
    page = opened("crowd")
    assert page.locator("#chart text", has_text="thirty").count() == 30
    page = opened("job")
    assert page.locator("#chart text", has_text="attempt 3").count() == 1
    assert page.locator("#chart text", has_text="between attempts").count() == 1
