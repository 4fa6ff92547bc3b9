"""The closed-form similarity fit against a plain least-squares solver."""

from __future__ import annotations

import numpy as np
import torch

from motion_core.models.lite.similarity_fit import similarity_fit, track_moments


def problem(seed: int, places: int = 3, tracks: int = 7, frames: int = 4):
    generator = torch.Generator().manual_seed(seed)

    def draw(*shape: int) -> torch.Tensor:
        return torch.rand(*shape, generator=generator, dtype=torch.float64)

    weights = draw(1, 2, places, tracks)
    weights = weights / weights.sum(dim=-1, keepdim=True)
    place, moved = draw(1, tracks, 2) * 6 - 3, draw(1, tracks, frames, 2) - 0.5
    return weights, place, moved, draw(1, tracks, frames), draw(1, places, 2) * 6 - 3


def solved_plainly(weights, place, moved, trust, at, ridge):
    """One place, head and frame at a time, as an overdetermined linear system."""
    weight = weights * trust
    mean = (weight[:, None] * place).sum(0) / weight.sum()
    rows, wanted = [], []
    for n, (x, y) in enumerate(place - mean):
        root = np.sqrt(weight[n])
        rows += [root * np.array([1, 0, x, -y]), root * np.array([0, 1, y, x])]
        wanted += list(root * moved[n])
    penalty = np.sqrt(ridge * weight.sum())
    rows += [penalty * np.array([0, 0, 1, 0]), penalty * np.array([0, 0, 0, 1])]
    wanted += [0, 0]
    shift_x, shift_y, grow, turn = np.linalg.lstsq(np.array(rows), np.array(wanted), rcond=None)[0]
    x, y = at - mean
    return [shift_x + grow * x - turn * y, shift_y + turn * x + grow * y]


def test_equals_plain_least_squares() -> None:
    weights, place, moved, trust, at = problem(0)
    ridge = torch.tensor([0.1, 0.7], dtype=torch.float64)
    got, coverage = similarity_fit(weights, track_moments(place, moved, trust), at, ridge)
    for head in range(2):
        for spot in range(3):
            for frame in range(4):
                w = weights[0, head, spot].numpy()
                want = solved_plainly(
                    w,
                    place[0].numpy(),
                    moved[0, :, frame].numpy(),
                    trust[0, :, frame].numpy(),
                    at[0, spot].numpy(),
                    float(ridge[head]),
                )
                np.testing.assert_allclose(got[0, head, spot, frame].numpy(), want, atol=1e-9)
                share = (weights[0, head, spot] * trust[0, :, frame]).sum()
                torch.testing.assert_close(coverage[0, head, spot, frame], share)


def test_a_similarity_is_found_exactly_without_a_ridge() -> None:
    weights, place, _, trust, at = problem(1)
    turn = torch.tensor([[0.9, -0.3], [0.3, 0.9]], dtype=torch.float64)
    shift = torch.tensor([0.4, -1.0], dtype=torch.float64)
    moved = (place @ turn.T + shift - place)[:, :, None].expand(-1, -1, 4, -1)
    ridge = torch.full((2,), 1e-12, dtype=torch.float64)
    got, _ = similarity_fit(weights, track_moments(place, moved, trust), at, ridge)
    want = (at @ turn.T + shift - at)[:, None, :, None].expand_as(got)
    torch.testing.assert_close(got, want, atol=1e-7, rtol=0)


def test_turns_and_moves_with_its_tracks() -> None:
    weights, place, moved, trust, at = problem(2)
    ridge = torch.tensor([0.2, 0.4], dtype=torch.float64)
    turn = torch.tensor([[0.0, -1.0], [1.0, 0.0]], dtype=torch.float64)
    plain, _ = similarity_fit(weights, track_moments(place, moved, trust), at, ridge)
    other = track_moments(place @ turn.T + 1.5, moved @ turn.T, trust)
    turned, _ = similarity_fit(weights, other, at @ turn.T + 1.5, ridge)
    torch.testing.assert_close(turned, plain @ turn.T)


def test_gradients_are_those_of_finite_differences() -> None:
    weights, place, moved, trust, at = problem(3, places=2, tracks=4, frames=2)
    ridge = torch.tensor([0.2, 0.4], dtype=torch.float64, requires_grad=True)
    weights.requires_grad_(True)
    moments = track_moments(place, moved, trust)
    assert torch.autograd.gradcheck(
        lambda w, r: similarity_fit(w, moments, at, r)[0], (weights, ridge), atol=1e-6
    )
