"""Steps from fields, videos and cameras, against motion that is known."""

from __future__ import annotations

import math

import pytest
import torch

from motion_core.errors import ShapeError
from motion_core.fields.motion_field import MotionField, field_on_canvas
from motion_core.geometry import Size
from motion_core.guidance.warped_noise import (
    NoiseGrid,
    flows_of_field,
    flows_of_video,
    warped_noise,
)
from motion_core.guidance.warped_noise.video_flow import consistent, sampled

from .flows import correlation

CANVAS = Size(64, 48)


def panning(frames: int, step: tuple[float, float], grid: Size = CANVAS) -> MotionField:
    shift = torch.arange(frames).float()[:, None, None, None] * torch.tensor(step)
    return field_on_canvas(shift.expand(frames, grid.height, grid.width, 2).clone(), CANVAS)


def square_over_background(frames: int, step: float) -> MotionField:
    """A square of 16 pixels moves to the right over a background at rest."""
    shift = torch.zeros(frames, 48, 64, 2)
    shift[:, 16:32, 8:24, 0] = torch.arange(frames).float()[:, None, None] * step
    visible = torch.ones(frames, 48, 64)
    for frame in range(1, frames):
        ahead = round(frame * step)
        covered = torch.zeros(48, 64, dtype=torch.bool)
        covered[16:32, 8 + ahead : 24 + ahead] = True
        covered[16:32, 8:24] = False
        visible[frame][covered] = 0.0
    return MotionField(shift, visible, torch.ones(48, 64), CANVAS)


def test_a_panning_field_gives_its_step_in_cells() -> None:
    flows = list(flows_of_field(panning(9, (1.5, -0.5)), [0, 4, 8], Size(32, 24)))
    assert len(flows) == 2
    for flow in flows:
        torch.testing.assert_close(flow.forward, torch.tensor([3.0, -1.0]).expand(24, 32, 2))
        torch.testing.assert_close(flow.backward, torch.tensor([-3.0, 1.0]).expand(24, 32, 2))
    # Content leaves on the right and at the top; nothing known enters on the left.
    assert flows[0].shown[1:, :-3].all() and not flows[0].shown[:, -3:].any()
    assert flows[0].known[:-1, 3:].all() and not flows[0].known[:, :3].any()


def test_content_that_entered_moves_on_with_its_surroundings() -> None:
    """What a pan brought in after the first step is carried by the second."""
    first, second = flows_of_field(panning(3, (4.0, 0.0)), [0, 1, 2], CANVAS)
    assert not first.known[:, :4].any()
    assert second.known[:, 4:8].all() and not second.known[:, :4].any()
    torch.testing.assert_close(second.forward[:, :4], torch.tensor([4.0, 0.0]).expand(48, 4, 2))


def test_an_object_hides_and_uncovers() -> None:
    first, second = flows_of_field(square_over_background(3, 8.0), [0, 1, 2], CANVAS)
    assert torch.equal(first.forward[16:32, 8:24, 0], torch.full((16, 16), 8.0))
    assert not first.shown[16:32, 24:32].any() and first.shown[:16].all()
    assert not first.known[16:32, 8:16].any() and first.known[16:32, 16:32].all()
    # What the object uncovered stays where it is, and is not new a second time.
    assert second.known[16:32, 8:16].all()
    assert second.backward[16:32, 8:16].abs().max() < 1e-3
    assert not second.known[16:32, 16:24].any()


def test_noise_follows_object_and_background() -> None:
    field, grid = square_over_background(3, 8.0), NoiseGrid(Size(16, 12), 3, 16, detail=4)
    noise = warped_noise(
        flows_of_field(field, [0, 1, 2], grid.fine), grid, torch.Generator().manual_seed(3)
    )
    torch.testing.assert_close(noise[2, :, 4:8, 6:10], noise[0, :, 4:8, 2:6])
    torch.testing.assert_close(noise[2, :, :4], noise[0, :, :4])
    # Behind the object: new, then kept.
    torch.testing.assert_close(noise[2, :, 4:8, 2:4], noise[1, :, 4:8, 2:4])
    assert abs(correlation(noise[1, :, 4:8, 2:4], noise[0, :, 4:8, 2:4])) < 0.35


@pytest.mark.parametrize("factor", [2.4, 1.3, 0.6])
def test_a_zoomed_surface_has_no_holes(factor: float) -> None:
    """A stretched surface is not torn: only what lies outside the first frame is new."""
    place = panning(2, (0, 0)).centres()
    middle = torch.tensor(CANVAS) / 2
    shift = torch.stack([torch.zeros_like(place), (place - middle) * (factor - 1)])
    (flow,) = flows_of_field(field_on_canvas(shift, CANVAS), [0, 1], CANVAS)
    source = (place - middle) / factor + middle
    inside = ((source > 1) & (source < torch.tensor(CANVAS) - 1)).all(-1)
    assert flow.known[inside].all()
    assert not flow.known[~((source > -1) & (source < torch.tensor(CANVAS) + 1)).all(-1)].any()
    exact = source - place
    assert (flow.backward - exact)[inside].abs().max() <= 1.0


def test_a_coarse_field_is_interpolated() -> None:
    (flow,) = flows_of_field(panning(2, (3.0, 0.0), Size(8, 6)), [0, 1], CANVAS)
    torch.testing.assert_close(flow.forward[:, :60], torch.tensor([3.0, 0.0]).expand(48, 60, 2))


def test_a_coarse_field_is_cut_along_the_edges_of_its_picture() -> None:
    image = torch.zeros(48, 64, 3)
    image[:, 33:] = 1.0
    shift = torch.zeros(2, 12, 16, 2)
    shift[1, :, 8:, 0] = 8.0
    field = MotionField(shift, torch.ones(2, 12, 16), torch.ones(12, 16), CANVAS)
    (flow,) = flows_of_field(field, [0, 1], CANVAS, image)
    assert flow.forward[24, 30, 0].abs() < 0.5 and flow.forward[24, 35, 0] > 7.5


def test_the_preparation_of_flows_can_be_stopped() -> None:
    shift = torch.zeros(9, 12, 16, 2)
    shift[:, :, 8:, 0] = torch.arange(9.0)[:, None, None]
    field = MotionField(shift, torch.ones(9, 12, 16), torch.ones(12, 16), CANVAS)
    calls: list[tuple[int, int]] = []
    frames, image = [0, 4, 8], torch.rand(48, 64, 3)
    flows = flows_of_field(field, frames, CANVAS, image, lambda *call: calls.append(call))
    next(flows)
    # Per frame, and per neighbour of a cell whose weight is searched.
    assert len(calls) == 3 + 25 and all(done == 0 for done, _ in calls)

    def stop(done: int, total: int) -> None:
        raise InterruptedError

    with pytest.raises(InterruptedError):
        next(flows_of_field(field, frames, CANVAS, image, stop))


def test_frames_outside_the_field_are_refused() -> None:
    with pytest.raises(ValueError, match=r"frames must lie in 0\.\.2; got \[0, 3\]"):
        list(flows_of_field(panning(3, (0, 0)), [0, 3], CANVAS))


def texture(x: float, y: float = 0.0) -> torch.Tensor:
    down, right = torch.meshgrid(torch.arange(48.0), torch.arange(64.0), indexing="ij")
    value = 0.5 + 0.25 * torch.sin((right - x) / 3) + 0.25 * torch.cos((down - y) / 4)
    return value[..., None].expand(48, 64, 3)


def test_flows_of_a_video_are_chained() -> None:
    video = torch.stack([texture(1.5 * frame) for frame in range(5)])

    def measure(first: torch.Tensor, second: torch.Tensor) -> torch.Tensor:
        """The true flow, told by the order of the pictures."""
        order = [
            next(i for i, one in enumerate(video) if torch.equal(one, p)) for p in (first, second)
        ]
        return torch.tensor([1.5 * (order[1] - order[0]), 0.0]).expand(48, 64, 2)

    calls: list[tuple[int, int]] = []

    def count(done: int, total: int) -> None:
        calls.append((done, total))

    flows = list(flows_of_video(video, [0, 2, 4], Size(32, 24), measure, count))
    assert len(flows) == 2 and calls == [(1, 4), (2, 4), (3, 4), (4, 4)]
    torch.testing.assert_close(flows[1].forward, torch.tensor([1.5, 0.0]).expand(24, 32, 2))
    assert flows[1].shown.all() and flows[1].known.all()
    with pytest.raises(ShapeError, match=r"a video is \(T, H, W, 3\)"):
        list(flows_of_video(video[..., :1], [0, 1], Size(4, 4), measure))
    with pytest.raises(ValueError, match=r"0\.\.4; got \[0, 5\]"):
        list(flows_of_video(video, [0, 5], Size(4, 4), measure))


def test_flows_that_disagree_are_not_trusted() -> None:
    flow = torch.zeros(8, 8, 2)
    flow[2:4, 2:4] = 5.0
    agreed = consistent(flow, torch.zeros(8, 8, 2))
    assert not agreed[2:4, 2:4].any() and int(agreed.sum()) == 60


def test_sampling_along_a_flow_is_bilinear() -> None:
    values = torch.arange(8.0).expand(4, 8)[..., None]
    moved = sampled(values, torch.tensor([0.25, 0.0]).expand(4, 8, 2))
    torch.testing.assert_close(moved[:, :-1, 0], torch.arange(7.0).expand(4, 7) + 0.25)
    assert math.isclose(float(moved[0, -1, 0]), 7.0, abs_tol=1e-5)
