"""Drawing in the node, in both renderers of the newest, the pinned and the oldest frontend."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from tests.browser.canvas import NODE
from tests.browser.conftest import SIZE

pytestmark = pytest.mark.slow

PIXEL = 1.2 / min(SIZE)  # screen pixels are a little finer than the picture's
CONTROL = "Control"


def near(got: Any, wanted: Any, tolerance: float = PIXEL) -> bool:
    """Whether fractions agree to about a pixel."""
    return bool(np.allclose(got, wanted, atol=tolerance))


def test_a_drag_is_recorded_with_its_timing(canvas: Any) -> None:
    canvas.drag((0.3, 0.5), (0.5, 0.4), (0.6, 0.6), hold=150)
    (layer,) = canvas.layers()
    assert (layer["type"], layer["curve"]) == ("drag", "recorded")
    assert near(layer["points"][0], [0, 0.3, 0.5])
    assert near(layer["points"][-1], [1, 0.6, 0.6])
    times = [point[0] for point in layer["points"]]
    assert times == sorted(times)
    assert 0 < layer["end"] < 1, "a short stroke is a short motion"


def test_a_path_grows_by_clicks_and_its_points_can_be_moved(canvas: Any) -> None:
    canvas.tool("path")
    for place in ((0.2, 0.3), (0.5, 0.2), (0.8, 0.5)):
        canvas.click(*place)
    canvas.press("Enter")
    canvas.drag((0.5, 0.2), (0.55, 0.7))
    (layer,) = canvas.layers()
    assert [point[0] for point in layer["points"]] == [None] * 3
    assert near([p[1:] for p in layer["points"]], [[0.2, 0.3], [0.55, 0.7], [0.8, 0.5]])


def test_a_pin_is_a_dot_or_an_area(canvas: Any) -> None:
    canvas.tool("pin")
    canvas.click(0.25, 0.25)
    canvas.press("Escape")
    canvas.drag((0.6, 0.6), (0.9, 0.6), (0.9, 0.9), (0.6, 0.9))
    dot, area = canvas.layers()
    assert near(dot["points"], [[0.25, 0.25]])
    corners = np.array(area["polygon"])
    assert near(corners.min(0), [0.6, 0.6], 0.02)
    assert near(corners.max(0), [0.9, 0.9], 0.02)


def test_a_sphere_is_placed_and_then_turned(canvas: Any) -> None:
    canvas.tool("sphere")
    canvas.drag((0.5, 0.5), (0.5, 0.8))
    canvas.drag((0.55, 0.4), (0.45, 0.4))
    (layer,) = canvas.layers()
    assert near(layer["center"], [0.5, 0.5])
    assert near(layer["radius"], 0.3, 0.01)
    assert near(layer["points"][0][1:], [0.55, 0.4])
    assert near(layer["points"][-1][1:], [0.45, 0.4])


def test_a_region_is_drawn_and_moved_at_the_playhead(canvas: Any) -> None:
    canvas.tool("region")
    canvas.drag((0.3, 0.3), (0.6, 0.3), (0.6, 0.7), (0.3, 0.7))
    canvas.page.keyboard.press("End")
    canvas.drag((0.45, 0.5), (0.65, 0.4))
    (layer,) = canvas.layers()
    assert [key["t"] for key in layer["keys"]] == [0, 1]
    assert near([layer["keys"][1]["dx"], layer["keys"][1]["dy"]], [0.2, -0.1], 0.01)


def test_the_camera_grab_and_the_eraser(canvas: Any) -> None:
    canvas.tool("camera")
    canvas.drag((0.5, 0.5), (0.7, 0.5))
    assert [layer["type"] for layer in canvas.layers()] == ["camera_grab"]
    canvas.tool("eraser")
    canvas.drag((0.6, 0.4), (0.6, 0.6))
    assert canvas.layers() == []


def test_a_run_notes_the_camera_layer_until_the_drawing_changes(canvas: Any) -> None:
    canvas.tool("camera")
    canvas.drag((0.5, 0.5), (0.7, 0.5))
    note = canvas.page.locator(".mp-badge-note")
    assert note.is_hidden()
    canvas.queue()
    note.wait_for(state="visible", timeout=5_000)
    assert '"camera_grab-1"' in note.inner_text() and "Camera Path" in note.inner_text()
    canvas.tool("drag")
    canvas.drag((0.3, 0.3), (0.5, 0.3))
    assert note.is_hidden()


def test_points_may_leave_the_picture(canvas: Any) -> None:
    canvas.drag((0.5, 0.5), (1.05, 0.5))
    assert canvas.layers()[0]["points"][-1][1] > 1.03


def test_one_gesture_is_one_undo_step_and_the_editor_survives_it(canvas: Any) -> None:
    before = canvas.undo_steps()
    canvas.drag((0.3, 0.3), (0.6, 0.3))
    assert canvas.undo_steps() == before + 1
    canvas.press(f"{CONTROL}+z")
    canvas.settle(900)
    assert canvas.layers() == []
    assert canvas.page.locator(".mp-row").count() == 0
    canvas.press(f"{CONTROL}+Shift+z")
    canvas.settle(900)
    assert len(canvas.layers()) == 1
    assert canvas.page.locator(".mp-row").count() == 1, "the editor shown is the live one"
    canvas.drag((0.3, 0.7), (0.6, 0.7))
    assert len(canvas.layers()) == 2
    canvas.press(f"{CONTROL}+z")
    canvas.settle(900)
    assert len(canvas.layers()) == 1


def test_escape_cancels_a_gesture(canvas: Any) -> None:
    mouse = canvas.page.mouse
    mouse.move(*canvas.at(0.3, 0.3))
    mouse.down()
    mouse.move(*canvas.at(0.6, 0.6), steps=5)
    canvas.press("Escape")
    mouse.up()
    assert canvas.layers() == []


def test_layers_are_copied_pasted_duplicated_and_removed(canvas: Any) -> None:
    canvas.drag((0.3, 0.3), (0.5, 0.3))
    canvas.press(f"{CONTROL}+c", f"{CONTROL}+v", f"{CONTROL}+d")
    canvas.settle()
    assert len({layer["id"] for layer in canvas.layers()}) == 3
    assert canvas.nodes() == 1, "the host did not paste the node as well"
    canvas.press(f"{CONTROL}+a", "Delete")
    assert canvas.layers() == []
    assert canvas.nodes() == 1, "the host did not delete the node"


def test_arrows_move_by_pixels(canvas: Any) -> None:
    canvas.drag((0.3, 0.3), (0.5, 0.3))
    before = canvas.layers()[0]["points"][0]
    canvas.press("ArrowRight", "Shift+ArrowDown")
    after = canvas.layers()[0]["points"][0]
    assert near([after[1] - before[1], after[2] - before[2]], [1 / SIZE[0], 10 / SIZE[1]], 2e-5)


def test_the_tracks_that_run_are_the_ones_drawn(canvas: Any) -> None:
    canvas.tool("path")
    canvas.click(0.25, 0.3)
    canvas.click(0.75, 0.6)
    canvas.press("Enter")
    run = canvas.queue()
    tracks = run.outputs[str(canvas.node_id)][0]
    path = tracks["track_path"].numpy()
    assert tuple(tracks["canvas"]) == SIZE
    wanted = np.linspace([0.25, 0.3], [0.75, 0.6], 81) * SIZE
    gap = np.linalg.norm(path - wanted[:, None], axis=-1).max(axis=0).min()
    assert gap < 1.5, "one of the tracks follows the drawn line, pixel by pixel"


def test_the_drawing_survives_saving_and_loading(canvas: Any) -> None:
    canvas.drag((0.2, 0.6), (0.5, 0.6))
    drawn = canvas.text()
    canvas.page.evaluate("() => app.loadGraphData(app.graph.serialize())")
    canvas.settle(1200)
    assert canvas.text() == drawn
    assert canvas.page.locator(".mp-row").count() == 1


def test_a_copied_node_keeps_the_drawing(canvas: Any) -> None:
    canvas.drag((0.2, 0.6), (0.5, 0.6))
    canvas.page.evaluate(
        """(id) => {
          app.canvas.selectItems?.([app.graph.getNodeById(id)]);
          app.canvas.copyToClipboard();
          app.canvas.pasteFromClipboard();
        }""",
        canvas.node_id,
    )
    canvas.settle(900)
    assert canvas.nodes() == 2
    assert canvas.text(1) == canvas.text(0)


def test_a_text_that_cannot_be_read_is_kept_until_the_user_decides(canvas: Any) -> None:
    bad = json.dumps({"version": 99, "layers": []})
    canvas.page.evaluate(
        """([id, text]) => {
          const widget = app.graph.getNodeById(id).widgets.find(({ name }) => name === "motion");
          widget.value = text;
          widget.callback?.(text);
        }""",
        [canvas.node_id, bad],
    )
    canvas.settle()
    assert "newer than this editor" in canvas.page.locator(".mp-load-error").inner_text()
    canvas.page.get_by_text("Keep text").click()
    canvas.drag((0.2, 0.2), (0.6, 0.2))
    assert canvas.text() == bad


def test_in_a_subgraph_the_drawing_stays_and_the_picture_is_found(canvas: Any) -> None:
    canvas.drag((0.2, 0.6), (0.5, 0.6))
    drawn = canvas.text()
    found = canvas.page.evaluate(
        """async (id) => {
          const node = app.graph.getNodeById(id);
          const { subgraph, node: host } = app.graph.convertToSubgraph(new Set([node]));
          const { output } = await app.graphToPrompt();
          const inside = Object.values(output).find(({ class_type: type }) => type === node.type);
          app.canvas.openSubgraph(subgraph, host);
          return inside.inputs.motion;
        }""",
        canvas.node_id,
    )
    assert found == drawn
    canvas.settle(1500)
    origin = "() => { app.canvas.ds.scale = 1; app.canvas.ds.offset = [0, 0]; }"
    canvas.page.evaluate(origin)
    inside = "app.canvas.graph.nodes.find(({ type }) => type === 'MotionPromptingDrawMotion')"
    canvas.page.evaluate(f"() => {{ {inside}.pos = [390, 60]; app.canvas.setDirty(true, true); }}")
    canvas.settle(900)
    assert canvas.page.locator(".mp-row").count() == 1
    canvas.press("Control+a")
    canvas.page.locator(".mp-canvas").click(position={"x": 20, "y": 20})
    canvas.press("Control+a", "Delete")
    canvas.tool("drag")
    canvas.drag((0.3, 0.3), (0.5, 0.3))
    text = canvas.page.evaluate(
        f"() => {inside}.widgets.find(({{ name }}) => name === 'motion').value"
    )
    width, height = SIZE
    assert json.loads(text)["drawn_on"] == {"width": width, "height": height}


def test_in_a_subgraph_and_loaded_again_it_runs_the_same(canvas: Any) -> None:
    canvas.drag((0.2, 0.6), (0.5, 0.6))
    before = canvas.queue().outputs[str(canvas.node_id)][0]
    canvas.server.runs.clear()
    canvas.page.evaluate(
        """async (id) => {
          app.graph.convertToSubgraph(new Set([app.graph.getNodeById(id)]));
          const saved = JSON.parse(JSON.stringify(app.graph.serialize()));
          app.graph.clear();
          await app.loadGraphData(saved);
        }""",
        canvas.node_id,
    )
    canvas.settle(1200)
    assert canvas.nodes() == 0, "the node is inside the subgraph"
    run = canvas.queue()
    prompt = canvas.server.prompts[-1]
    (inside,) = [id for id, node in prompt.items() if node["class_type"] == NODE]
    after = run.outputs[inside][0]
    assert tuple(after["canvas"]) == SIZE, "the picture came through the subgraph's input"
    assert before["track_path"].shape[1] > 0
    assert np.array_equal(after["track_path"], before["track_path"])
    assert np.array_equal(after["track_visibility"], before["track_visibility"])
