"""Compose Motion's render, and a motion signal that is saved and read back."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from .test_nodes import H, W, call, host, motion, path_of, wall

__all__ = ["call", "host", "wall"]  # fixtures


def test_a_composed_motion_is_rendered_with_its_holes(call: Any, wall: Any) -> None:
    mask = torch.zeros(1, H, W)
    mask[:, 4:16, 4:20] = 1.0
    picture = torch.rand(1, H, W, 3, generator=torch.Generator().manual_seed(2))
    space = {"mode": "3d", "depth": wall, "camera": path_of(call, wall), "spacing": 16.0}
    space |= {"depth_offset": "", "occlusion_radius": 1, "occlusion_threshold": 0.03}
    sets = {"tracks_0": motion((12, 10, 12))}
    _, black, holes, valid, depth = call("ComposeMotion", sets, space, masks={"mask_0": mask})
    assert not black.any() and holes.all() and not valid.any() and not depth.any()
    green = {**space, "image": picture, "hole_color": "green", "grow_holes": 0.0}
    _, render, holes, valid, depth = call("ComposeMotion", sets, green, masks={"mask_0": mask})
    assert render.shape == (5, H, W, 3) and holes.shape == valid.shape == (5, H, W)
    hole = holes[-1] == 1
    assert hole.any() and torch.equal(valid[-1] == 0, hole)
    assert (render[-1][hole] == torch.tensor([0.0, 1.0, 0.0])).all(), "the object's old place"
    assert depth.shape == render.shape and not depth[-1][hole].any()
    grown = {**green, "grow_holes": 2.0, "feather_holes": 3.0}
    _, _, soft, less, _ = call("ComposeMotion", sets, grown, masks={"mask_0": mask})
    assert less.sum() < valid.sum() and ((soft > 0) & (soft < 1)).any()
    with pytest.raises(ValueError, match="a hole colour is one of"):
        call("ComposeMotion", sets, {**green, "hole_color": "custom", "custom_color": "sea"})


def test_a_motion_signal_is_read_back(call: Any, tmp_path: Any) -> None:
    video = torch.rand(4, H, W, 3, generator=torch.Generator().manual_seed(3)) * 0.2 + 0.4
    mask = torch.zeros(4, H, W)
    mask[:, 8:24, 8:24] = 1.0
    (name,) = call("SaveMotionSignal", video, mask, "a red ball", 12.0, "motion/back")
    first, reference, area, prompt, fps = call("LoadMotionSignal", name)
    assert first.shape == (1, H, W, 3) and (first[0] - video[0]).abs().max() < 0.01
    assert reference.shape == video.shape and (reference - video).abs().mean() < 0.06
    assert (area == mask).float().mean() > 0.97 and area.shape == mask.shape
    assert (prompt, fps) == ("a red ball", 12.0)
    with pytest.raises(ValueError, match="there is no folder 'nowhere'"):
        call("LoadMotionSignal", "nowhere")
    with pytest.raises(ValueError, match="does not name a place"):
        call("LoadMotionSignal", "")
    with pytest.raises(ValueError):
        call("LoadMotionSignal", "../..")
    with pytest.raises(ValueError, match="is no folder of Time-to-Move"):
        call("LoadMotionSignal", "motion")
