"""From an empty page to a playing video: the templates as a creator meets them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.browser.conftest import VERSIONS, frontend_files, open_canvas
from tests.host.pack import ROOT
from tests.host.runner import StandInHost

pytestmark = pytest.mark.slow

MODULE = "motion-prompting"
INDEX = json.loads((ROOT / "web" / "templates.json").read_text(encoding="utf-8"))
MOST_CLICKS = 6
RUN_MS = 300_000
SHOWS = """() => [...document.querySelectorAll('video')].some(({ videoWidth }) => videoWidth > 0)"""
# A video of the node that plays: it has pictures, and its time moves.
PLAYS = """() => [...document.querySelectorAll('video')].some(
  (video) => video.videoWidth > 0 && video.currentTime > 0.2)"""
CARD = '[data-testid^="template-workflow-"]'
CARDS = """(cards) => cards.map((card) => {
  const image = card.querySelector('img');
  const [width, height, src] = [image?.naturalWidth ?? 0, image?.naturalHeight ?? 0, image?.src];
  const name = card.dataset.testid.replace('template-workflow-', '');
  return { name, text: card.innerText, width, height, src };
})"""
LOADED = """() => [...document.querySelectorAll('[data-testid^="template-workflow-"] img')]
  .filter((image) => image.naturalWidth > 0).length > 4"""
# Nodes of ComfyUI that its search would show before an alias: a word, and letters, of their names.
RIVALS = {
    "WanAnimateToVideo": "WanAnimateToVideo",
    "Veo3VideoGenerationNode": "Google Veo 3 Video Generation",
}
FOUND = """() => [...document.querySelectorAll('[role=option], .p-autocomplete-option')]
  .map(({ innerText }) => innerText.trim()).filter(Boolean)"""
RUN = "button[data-testid=queue-button], [data-testid=queue-button] button"


@pytest.fixture(scope="module", params=VERSIONS.values(), ids=VERSIONS)
def server(request: pytest.FixtureRequest, stage: StandInHost) -> Iterator[Any]:
    """The frontend over a stand-in host that lists the templates as ComfyUI does."""
    from tests.host.frontend import FrontendServer

    listed = stage.object_info()
    for name, title in RIVALS.items():
        listed[name] = {**listed["LoadImage"], "name": name, "display_name": title}
    with (
        pytest.MonkeyPatch.context() as patch,
        FrontendServer(stage, frontend_files(request.param)) as running,
    ):
        patch.setattr(stage, "object_info", lambda: listed)
        yield running


@pytest.fixture
def page(browser: Any, server: Any) -> Iterator[Any]:
    """An empty graph, in the classic renderer."""
    canvas = open_canvas(browser, server, vue=False)
    canvas.page.evaluate("() => app.graph.clear()")
    yield canvas.page
    canvas.page.close()


class Clicks:
    """Clicks, counted."""

    def __init__(self, page: Any) -> None:
        self.page, self.count = page, 0

    def on(self, locator: Any) -> None:
        """One click on the first place."""
        self.count += 1
        locator.first.click(timeout=15_000)


def browse(page: Any, clicks: Clicks) -> None:
    """Opens the templates of this pack."""
    page.keyboard.press("Escape")
    clicks.on(page.locator(".templates-tab-button"))
    clicks.on(page.locator("nav").get_by_text("Motion Prompting", exact=True))
    page.wait_for_selector('[data-testid="template-workflow-draw_motion"]')


def test_six_clicks_lead_to_a_playing_video(page: Any) -> None:
    clicks = Clicks(page)
    browse(page, clicks)
    clicks.on(page.get_by_test_id("template-workflow-draw_motion"))
    page.wait_for_function("() => app.graph.nodes.some(({ type }) => type === 'SaveVideo')")
    page.wait_for_timeout(1500)
    clicks.on(page.locator(RUN))
    page.wait_for_function(SHOWS, timeout=RUN_MS)
    clicks.on(page.locator("video"))  # the host shows videos paused
    page.wait_for_function(PLAYS)
    assert clicks.count <= MOST_CLICKS


def test_templates_have_titles_an_order_and_moving_pictures(page: Any) -> None:
    browse(page, Clicks(page))
    page.wait_for_function(LOADED)
    cards = page.locator(CARD).evaluate_all(CARDS)
    names = [card["name"] for card in cards]
    assert len(names) >= 20
    assert names == [entry["name"] for entry in INDEX][: len(names)], "from first to expert"
    for card, entry in zip(cards, INDEX, strict=False):
        assert entry["title"] in card["text"]
        size = f"{entry['gigabytes']} GB of " if "gigabytes" in entry else ""
        label = f"Needs {size}models" if "needs_models" in entry else "Runs now"
        assert label in card["text"]
    shown = [card for card in cards if card["width"]]
    assert all((card["width"], card["height"]) == (256, 256) for card in shown)
    # Older frontends load pictures as blobs.
    assert all(card["src"].endswith(".webp") or card["src"][:5] == "blob:" for card in shown)


def open_search(page: Any) -> None:
    """A double click on the empty canvas; a page that has just loaded may miss one."""
    for _ in range(5):
        page.mouse.dblclick(700, 600)
        page.wait_for_timeout(800)
        if page.evaluate("() => document.activeElement?.tagName === 'INPUT'"):
            return
    raise AssertionError("the node search did not open")


@pytest.mark.parametrize("word", ["motion", "animate", "ATI"])
def test_the_node_search_shows_draw_motion_first(page: Any, word: str) -> None:
    version = page.evaluate("() => window.__COMFYUI_FRONTEND_VERSION__")
    if version == VERSIONS["oldest"] and word != "motion":
        pytest.skip("frontend 1.35 does not search aliases")
    open_search(page)
    page.keyboard.type(word, delay=20)
    page.wait_for_function(f"() => ({FOUND})().length > 1")
    page.wait_for_timeout(500)
    first = page.evaluate(FOUND)[0]
    assert first.startswith("Draw Motion"), first


FAIL = """async () => {
  const { api } = await import("/scripts/api.js");
  const detail = {
    prompt_id: "1", node_id: "99", node_type: "MotionPromptingDraftMotion", executed: [],
    exception_type: "ValueError", traceback: [], current_inputs: {}, current_outputs: [],
    exception_message: "the clip has 1.5 s of it. Take another one.\\n",
  };
  api.dispatchEvent(new CustomEvent("execution_error", { detail }));
}"""


def test_a_failure_shows_its_first_sentence(page: Any) -> None:
    page.evaluate(FAIL)
    sentence = page.get_by_text("the clip has 1.5 s of it.", exact=True)
    sentence.first.wait_for(timeout=15_000)


def test_nodes_and_editor_take_the_hosts_language(browser: Any, server: Any) -> None:
    table = json.loads((ROOT / "locales" / "tables" / "ja.json").read_text(encoding="utf-8"))
    server.settings["Comfy.Locale"] = "ja"
    try:
        page = open_canvas(browser, server, vue=False).start().page
        named = "() => LiteGraph.registered_node_types.MotionPromptingDrawMotion.title"
        assert page.evaluate(named) == table["Draw Motion"]
        play = page.locator(".mp-editor").get_by_title(table["Play or pause (Space)"])
        assert play.count() == 1
        page.close()
    finally:
        del server.settings["Comfy.Locale"]
