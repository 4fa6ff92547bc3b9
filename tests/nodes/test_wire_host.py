"""Values of ComfyUI's own sockets: what passes, and what is refused with what to connect."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from tests.host.pack import pack_module, pack_nodes
from tests.host.stand_in_models import Nested, StandInVae, comfy_parts, wan_model
from tests.nodes.comfy import put_comfy

VIDEO = torch.zeros(1, 16, 2, 4, 6)


@pytest.fixture(autouse=True)
def comfy(monkeypatch: pytest.MonkeyPatch) -> None:
    put_comfy(monkeypatch, comfy_parts())


def checked(kind: str, value: Any) -> Any:
    return pack_module("nodes.wire_host").HOST_CHECKS[kind](value, "it")


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("MODEL", wan_model()),
        ("VAE", StandInVae()),
        ("LATENT", {"samples": VIDEO, "noise_mask": torch.ones(1, 4, 6)}),
        ("LATENT", {"samples": Nested([VIDEO, torch.zeros(1, 8, 7, 16)])}),
        ("CONDITIONING", [[torch.zeros(1, 5, 24), {}], [None, {}]]),
    ],
)
def test_what_the_host_gives_passes_as_it_is(kind: str, value: Any) -> None:
    assert checked(kind, value) is value


@pytest.mark.parametrize(
    ("kind", "value", "message"),
    [
        ("MODEL", "model", "expected a MODEL; got a str"),
        ("MODEL", torch.nn.Identity(), "expected a MODEL"),
        ("VAE", wan_model(), "expected a VAE"),
        ("LATENT", VIDEO, "expected a LATENT; got a tensor"),
        ("LATENT", {"samples": None}, "expected latents; got a NoneType"),
        ("LATENT", {"samples": VIDEO.long()}, "expected latents"),
        ("LATENT", {"samples": VIDEO[:, :, :0]}, "at least one number"),
        ("LATENT", {"samples": VIDEO / 0}, "NaN or infinite"),
        ("LATENT", {"samples": VIDEO, "noise_mask": "mask"}, "noise mask: expected latents"),
        ("CONDITIONING", [], "empty"),
        ("CONDITIONING", [[torch.zeros(1, 5, 24)]], "expected a CONDITIONING"),
        ("MODEL_PATCH", 3, "expected a MODEL_PATCH"),
    ],
)
def test_other_values_are_refused(kind: str, value: Any, message: str) -> None:
    with pytest.raises((TypeError, ValueError), match=f"it.*{message}"):
        checked(kind, value)


def test_a_model_of_an_older_host_asks_for_an_update() -> None:
    model = wan_model()
    model.add_wrapper_with_key = None  # type: ignore[assignment,method-assign]
    with pytest.raises(TypeError, match="lacks add_wrapper_with_key. Update ComfyUI"):
        checked("MODEL", model)


@pytest.mark.parametrize("stated", [[0, 5], torch.tensor([0, 5])])
def test_entries_of_a_batch_keep_their_numbers(stated: Any) -> None:
    numbers = pack_module("nodes.wire_host").batch_numbers
    assert numbers({"samples": VIDEO.repeat(2, 1, 1, 1, 1), "batch_index": stated}) == [0, 5]
    assert numbers({"samples": VIDEO}) is None


@pytest.mark.parametrize("stated", [[0, 1], ["a"], [-1], [10**9], [0.5], 3, torch.tensor(0.5)])
def test_entries_that_are_none_are_refused(stated: Any) -> None:
    with pytest.raises(ValueError, match="must be 1 whole numbers from 0 to 4095"):
        pack_module("nodes.wire_host").batch_numbers({"samples": VIDEO, "batch_index": stated})


def test_one_mask_of_holes_counts_for_every_frame() -> None:
    """A mask of one image is the same as that image repeated for all frames."""
    holes = torch.zeros(1, 16, 24)
    holes[..., :12] = 1.0
    node = pack_nodes()["MotionPromptingRefineAlongReference"]
    widgets = {"resamples": 1, "correction": 0.0, "gate_channels": False, "edge": 0.0}
    widgets |= {"start": 0.0, "end": 0.3, "seed": 0}
    weights = []
    for mask in (holes, holes.expand(5, -1, -1)):
        images = torch.zeros(5, 16, 24, 3)
        (model,) = node.execute(wan_model(), StandInVae(), images, holes=mask, **widgets).args
        predict = model.wrappers["predict_noise"]["motion_prompting_refine"][0]
        (request,) = (cell.cell_contents for cell in predict.__closure__)
        weights.append(request.render.weights)
    assert torch.equal(*weights)
    assert not weights[0][..., :12].any() and weights[0][..., 12:].all()
