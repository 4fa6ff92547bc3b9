"""Stand-ins for the networks of tapnet, cotracker and torchvision, with their signatures and
conventions.

They look: the video holds a soft spot in each of the three colours, and a fake answers a query with
where the spot of the colour it points at lies in the pictures it was given, counted as the real
package counts. A query that points at no spot is an error. So pictures in the wrong order, of the
wrong range or size, swapped coordinates and a missing half pixel all change the answer.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import torch
from torch import Tensor, nn

from motion_core.geometry import Size
from motion_core.tracks import Tracks, make_tracks

CLIP = Size(96, 64)
SPREAD_PX = 5.0
JUNK = 1e4
# How near, in pixels of the network's picture, a query must be to its spot: far below half of one.
NEAR_PX = 0.1


def spots(frames: int) -> Tracks:
    """Where the red, the green and the blue spot are."""
    u = torch.linspace(0, 1, frames) if frames > 1 else torch.zeros(1)
    red = torch.stack([20 + 30 * u, 20 + 12 * u], -1)
    green = torch.stack([70 - 25 * u, 24.3 + 14 * u], -1)
    blue = torch.stack([48.7 + 0 * u, 44.0 - 20 * u], -1)
    return make_tracks(torch.stack([red, green, blue], 1), CLIP)


def spot_video(frames: int) -> Tensor:
    """(T, 64, 96, 3) floats: a spot in each colour."""
    x, y = torch.arange(CLIP.width) + 0.5, torch.arange(CLIP.height) + 0.5
    pixels = torch.stack(torch.meshgrid(x, y, indexing="xy"), -1)
    away = pixels[None, :, :, None] - spots(frames).xy[:, None, None]
    return torch.exp(-away.square().sum(-1) / (2 * SPREAD_PX**2))


def spots_in(pictures: Tensor, origin: float) -> Tensor:
    """(T, 3, 2) x, y of the spots of pictures (T, h, w, 3) in 0..1, the centre of the top-left
    pixel being (origin, origin)."""
    assert float(pictures.amin()) >= -1e-6 and float(pictures.amax()) <= 1 + 1e-6
    assert float(pictures.amax()) > 0.8, "the range of the pictures is another one"
    weight = (pictures - 0.2).clamp(min=0)
    x = torch.arange(pictures.shape[2]) + origin
    y = torch.arange(pictures.shape[1]) + origin
    whole = weight.sum((1, 2))
    return (
        torch.stack(
            [
                (weight * x[None, None, :, None]).sum((1, 2)),
                (weight * y[None, :, None, None]).sum((1, 2)),
            ],
            -1,
        )
        / whole[..., None]
    )


def colours_at(places: Tensor, wanted: Tensor) -> Tensor:
    """(N,) the spot that each query (N, 2) points at. places: (N, 3, 2) spots at its frame."""
    apart = (places - wanted[:, None]).norm(dim=-1)
    assert bool((apart.amin(1) < NEAR_PX).all()), f"a query points {apart.amin(1)} beside its spot"
    return apart.argmin(1)


class FakeTAPIR(nn.Module):
    """tapnet.torch.tapir_model.TAPIR: frame, y, x in; x, y out; pixels have corners."""

    def __init__(self, *, num_pips_iter: int = 4, pyramid_level: int = 1, extra_convs: bool = True):
        super().__init__()
        self.num_pips_iter = num_pips_iter
        self.level = nn.Parameter(torch.tensor(float(pyramid_level)))
        if extra_convs:
            self.extra_convs = nn.Linear(1, 1)
        self.chunks: list[int] = []

    def get_feature_grids(self, video, is_training, refinement_resolutions=None):
        assert video.ndim == 5 and video.shape[2] % 8 == 0 and video.shape[3] % 8 == 0
        return spots_in((video[0] + 1) / 2, 0.5)

    def get_query_features(
        self, video, is_training, query_points, feature_grids=None, refinement_resolutions=None
    ):
        frames = query_points[0, :, 0].long()
        return colours_at(feature_grids[frames], query_points[0, :, 1:].flip(-1))

    def estimate_trajectories(
        self,
        video_size,
        is_training,
        feature_grids,
        query_features,
        query_points_in_video,
        query_chunk_size=None,
        causal_context=None,
        get_causal_context=False,
    ):
        self.chunks.append(len(query_features))
        tracks = feature_grids[:, query_features].transpose(0, 1)[None]
        # Red is in sight; green is hidden a little and unsure a little; blue is hidden.
        hidden = torch.tensor([-1.0, -1.0, 3.0])[query_features][None, :, None]
        unsure = torch.tensor([-1.0, -0.5, -9.0])[query_features][None, :, None]
        true = {
            "tracks": tracks,
            "occlusion": hidden.expand(tracks.shape[:3]),
            "expected_dist": unsure.expand(tracks.shape[:3]),
        }
        # Two resolutions; only the last refinement at each one is an answer.
        count, found = 2 * self.num_pips_iter, {}
        for name, value in true.items():
            rounds = [torch.full_like(value, JUNK)] * (count + 1)
            for index, offset in ((self.num_pips_iter, 0.25), (count, -0.25)):
                rounds[index] = value + offset
            found[name] = rounds
        return found


@dataclass
class State:
    step: int
    query_points: Tensor


class FakeTAPNext(nn.Module):
    """tapnet.tapnext.tapnext_torch.TAPNext: frame, y, x in; y, x out; it looks ahead only."""

    def __init__(self, image_size=(256, 256)):
        super().__init__()
        self.image_size = image_size
        self.colours = nn.Parameter(torch.zeros(1))
        self.known: Tensor | None = None

    def forward(self, video, query_points=None, state=None):
        assert video.shape[:2] == (1, 1) and video.shape[2:4] == self.image_size
        step = 0 if state is None else state.step
        asked = query_points if state is None else state.query_points
        if state is None:
            self.known = torch.full((asked.shape[1],), -1)
        now = asked[0, :, 0] == step
        places = spots_in((video[0] + 1) / 2, 0.5)
        if bool(now.any()):
            wanted = asked[0, now, 1:].flip(-1)
            self.known[now] = colours_at(places.expand(len(wanted), -1, -1), wanted)
        tracks = places[:, self.known.clamp(min=0)].flip(-1)[None].clone()
        tracks[:, :, self.known < 0] = JUNK
        visible = torch.where(self.known == 2, -0.1, 0.1)[None, None, :, None]
        return tracks, torch.zeros(1), visible, State(step + 1, asked)


class _Counted(nn.Module):
    """What both predictors of cotracker share: frame, x, y in; pixels have centres."""

    def __init__(self, shape=(48, 80)):
        super().__init__()
        self.interp_shape = shape
        self.model = nn.Linear(1, 1)

    def _spots(self, video: Tensor) -> Tensor:
        assert video.ndim == 5 and video.shape[2] == 3 and video.shape[3:] == self.interp_shape
        assert video.dtype == torch.float32
        return spots_in(video[0].movedim(1, -1) / 255, 0.0)

    def _answer(self, places: Tensor, queries: Tensor, colours: Tensor, backward: bool):
        tracks = places[:, colours].clone()
        time = torch.arange(len(places))[:, None]
        if not backward:
            tracks[time < queries[:, 0]] = JUNK
        return tracks[None], (colours != 2).expand(len(places), -1)[None].clone()

    def _colours(self, places: Tensor, queries: Tensor) -> Tensor:
        return colours_at(places[queries[:, 0].long()], queries[:, 1:])


class FakeCoTrackerPredictor(_Counted):
    """cotracker.predictor.CoTrackerPredictor."""

    def __init__(self, checkpoint="", offline=True, v2=False, window_len=60):
        super().__init__()
        assert checkpoint is None and offline and window_len == 60

    def forward(
        self,
        video,
        queries=None,
        segm_mask=None,
        grid_size=0,
        grid_query_frame=0,
        backward_tracking=False,
    ):
        places = self._spots(video)
        return self._answer(
            places, queries[0], self._colours(places, queries[0]), backward_tracking
        )


class FakeCoTrackerOnlinePredictor(_Counted):
    """cotracker.predictor.CoTrackerOnlinePredictor: windows that begin `step` frames apart."""

    def __init__(self, checkpoint="", offline=False, v2=False, window_len=16):
        super().__init__()
        assert checkpoint is None and window_len == 16
        self.step = 4
        self.windows: list[int] = []

    def forward(
        self,
        video_chunk,
        is_first_step=False,
        queries=None,
        grid_size=5,
        grid_query_frame=0,
        add_support_grid=False,
    ):
        if is_first_step:
            self.queries, self.index, self.past_spots = queries[0], 0, torch.zeros(0, 3, 2)
            return None, None
        assert video_chunk.shape[1] <= 2 * self.step
        self.windows.append(video_chunk.shape[1])
        places = self._spots(video_chunk)
        overlap = self.past_spots[self.index :]
        torch.testing.assert_close(places[: len(overlap)], overlap)
        self.past_spots = torch.cat([self.past_spots[: self.index], places])
        self.index += self.step
        known = self.queries[:, 0] < len(self.past_spots)
        colours = torch.zeros(len(self.queries), dtype=torch.long)
        colours[known] = self._colours(self.past_spots, self.queries[known])
        return self._answer(self.past_spots, self.queries, colours, False)


class FakeRaft(nn.Module):
    """RAFT of torchvision.models.optical_flow: two pictures in, every round's flow out. It finds
    the one shift between its pictures by itself."""

    def __init__(self, *, weights=None, is_large: bool = True):
        super().__init__()
        assert weights is None
        name = "mask_predictor" if is_large else "update_block"
        self.add_module(name, nn.Linear(1, 1))

    def forward(self, image1, image2, num_flow_updates=12):
        assert image1.shape == image2.shape and all(side % 8 == 0 for side in image1.shape[2:])
        assert min(image1.shape[2:]) >= 128
        assert -1 <= float(image1.amin()) < -0.2 and 0.2 < float(image1.amax()) <= 1
        greys = [one[0].mean(0).double().numpy() for one in (image1, image2)]
        shift, _ = cv2.phaseCorrelate(
            *greys, cv2.createHanningWindow(greys[0].shape[::-1], cv2.CV_64F)
        )
        flow = torch.tensor(shift, dtype=torch.float32)[None, :, None, None]
        flow = flow.expand(-1, -1, *image1.shape[2:])
        return [flow + JUNK, flow]
