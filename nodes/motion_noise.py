"""Motion Noise: the noise a run starts from follows a motion."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from comfy_api.latest import io
from torch import Tensor

from ..motion_core.fields.registry import DENSIFIERS, DRAFT_METHODS
from . import host
from .schema import CameraSocket, DepthSocket, NoiseSocket, TracksSocket, schema, settings_of
from .wire import camera_in, depth_in, frames, picture, tracks_in
from .wire_host import batch_numbers, check_latent

if TYPE_CHECKING:
    from ..motion_core.guidance.warped_noise import MotionSource, NoiseSettings


def _method_input() -> Any:
    return io.Combo.Input(
        "method",
        options=list(DRAFT_METHODS),
        default=DRAFT_METHODS[0],
        tooltip="How motion spreads from the tracks over the image. "
        + "; ".join(f"{name}: {DENSIFIERS[name].summary}" for name in DRAFT_METHODS)
        + ".",
    )


MOTIONS = [
    io.DynamicCombo.Option(
        "tracks",
        [
            io.Image.Input("image", tooltip="The first frame (the first image of a batch)."),
            TracksSocket.Input("tracks", tooltip="The tracks of the clip, on the image's canvas."),
            _method_input(),
        ],
    ),
    io.DynamicCombo.Option(
        "camera",
        [
            DepthSocket.Input("depth", tooltip="Depth of the first frame."),
            CameraSocket.Input("camera", tooltip="The camera path of the clip."),
        ],
    ),
    io.DynamicCombo.Option(
        "video",
        [
            io.Image.Input(
                "images",
                tooltip="A clip whose motion is measured by optical flow, such as a draft or "
                "footage.",
            )
        ],
    ),
]


def _of_tracks(image: Tensor, tracks: Any, method: str) -> MotionSource:
    from ..motion_core.fields.registry import make_densifier
    from ..motion_core.guidance.warped_noise import FieldMotion

    first = picture(image)
    field = make_densifier(method)(first, tracks_in(tracks, image), host.progress())
    return FieldMotion(field, first)


def _of_camera(depth: Any, camera: Any) -> MotionSource:
    from ..motion_core.camera.camera_scene import CameraScene
    from ..motion_core.camera.pinhole import pixel_centres
    from ..motion_core.camera.reproject import reproject_pixels
    from ..motion_core.fields.motion_field import MotionField
    from ..motion_core.guidance.warped_noise import FieldMotion

    scene = CameraScene(depth_in(depth), camera_in(camera))
    followed = reproject_pixels(scene, progress=host.progress())
    width, height = followed.size
    start = pixel_centres(followed.size).reshape(-1, 2)
    shift = (followed.xy - start).view(-1, height, width, 2)
    visible = followed.visible.float().view(-1, height, width)
    return FieldMotion(MotionField(shift, visible, torch.ones(height, width), followed.size))


def _of_video(images: Tensor) -> MotionSource:
    from ..motion_core.guidance.warped_noise import VideoMotion
    from ..motion_core.trackers.dense_flow import measured_flow

    return VideoMotion(frames(images), measured_flow)


SOURCES: dict[str, Callable[..., MotionSource]] = {
    "tracks": _of_tracks,
    "camera": _of_camera,
    "video": _of_video,
}


@dataclass(frozen=True, eq=False)
class WarpedNoise:
    """A NOISE of the host: its random numbers follow a motion.

    Attributes:
        motion: The motion of a clip.
        settings: Seed, degradation and detail.
    """

    motion: MotionSource
    settings: NoiseSettings

    @property
    def seed(self) -> int:
        """The seed, which samplers with noise of their own use too."""
        return self.settings.seed

    def generate_noise(self, input_latent: dict[str, Any]) -> Any:
        """Noise of the shape and dtype of a LATENT's samples, on the CPU.

        Of a latent with sound, the video follows the motion and the sound gets white noise.
        Raises TypeError, ShapeError or ValueError for what is no LATENT.
        """
        check_latent(input_latent, "the latent")
        samples, entries = input_latent["samples"], batch_numbers(input_latent)
        generator = torch.Generator().manual_seed(self.seed)
        if not getattr(samples, "is_nested", False):
            return self._noise(samples, entries, generator, is_clip=True)
        tensors = samples.unbind()
        clips = [number for number, one in enumerate(tensors) if one.ndim == 5]
        if not clips:
            raise ValueError("the latent has no video; connect the latent of a video model.")
        noises = [
            self._noise(one, entries, generator, is_clip=number == clips[0])
            for number, one in enumerate(tensors)
        ]
        return type(samples)(noises)

    def _noise(
        self, samples: Tensor, entries: list[int] | None, generator: torch.Generator, is_clip: bool
    ) -> Tensor:
        from ..motion_core.guidance.warped_noise import latent_noise, mixed_noise, white_noise

        white = white_noise(samples, generator, entries, host.progress())
        if not is_clip or self.settings.degradation == 1.0:
            return white
        warped = latent_noise(samples.shape, self.motion, self.settings, entries, host.progress())
        return mixed_noise(warped, white, self.settings.degradation)


class MotionNoise(io.ComfyNode):
    """A motion in, the noise of a run out."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return schema(
            "MotionNoise",
            aliases=["warped noise", "go with the flow", "noise warp", "motion noise"],
            display_name="Motion Noise",
            category="Motion Prompting/Native",
            description="Noise for Sampler Custom (Advanced) that moves with the content of a "
            "clip, as in Go-with-the-Flow. Each frame is white noise. Works best with a LoRA that "
            "was trained on warped noise.",
            inputs=[
                io.DynamicCombo.Input(
                    "motion", options=MOTIONS, tooltip="Where the motion comes from."
                ),
                io.Int.Input(
                    "seed",
                    default=0,
                    min=0,
                    max=2**53,
                    control_after_generate=True,
                    tooltip="Seed of the noise; the same seed gives the same noise.",
                ),
                io.Float.Input(
                    "degradation",
                    default=0.5,
                    min=0.0,
                    max=1.0,
                    step=0.05,
                    tooltip="Fraction of independent noise: 0 follows the motion exactly, 1 is the "
                    "noise of Random Noise. The authors take 0.5 to 0.7.",
                ),
                io.Int.Input(
                    "detail",
                    default=8,
                    min=1,
                    max=32,
                    tooltip="Noise is carried on a grid of this many cells along the side of a "
                    "latent cell. More follow slow and fine motion better and take longer.",
                ),
            ],
            outputs=[
                NoiseSocket.Output(
                    "noise",
                    display_name="noise",
                    tooltip="The noise: connect SamplerCustomAdvanced.",
                )
            ],
        )

    @classmethod
    def execute(cls, motion, seed, degradation, detail):
        from ..motion_core.guidance.warped_noise import NoiseSettings

        source = SOURCES[motion["motion"]](**settings_of(motion, "motion"))
        return io.NodeOutput(WarpedNoise(source, NoiseSettings(seed, degradation, detail)))
