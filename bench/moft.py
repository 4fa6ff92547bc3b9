"""MOFT on lite: motion fidelity with and without guidance, and similarity as a heat map.

`python -m bench.moft WEIGHTS` takes a weights file of lite that holds a base (default: the shipped
one); `--checkpoint` takes a checkpoint of the base's training instead. Each prompt is the first
picture of a held-out scene with a direction. The guidance gets the direction as a synthesised
reference, and as a video of another picture that pans in that direction, tracked by Lucas-Kanade.
"""

from __future__ import annotations

import argparse
import json
import math
import shutil
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

import torch
from torch import Tensor

from motion_core.evaluation.cases import World, scene_at
from motion_core.evaluation.motion_fidelity import motion_fidelity, track_similarity
from motion_core.evaluation.statistics import figure
from motion_core.geometry import Size
from motion_core.guidance.moft import (
    MoftLatentGuidance,
    MoftSettings,
    MotionReference,
    heat_picture,
    learn_channels,
    reference_along,
    reference_of_video,
    similarity,
)
from motion_core.guidance.moft.pans import pan, still
from motion_core.guidance.moft.reference import straight_path
from motion_core.layered_scenes.rendering import render_frames
from motion_core.layered_scenes.scenes import Split
from motion_core.models.lite.family import LiteFamily
from motion_core.models.lite.load import load_lite
from motion_core.models.lite.weights import SHIPPED
from motion_core.models.protocols import GenerationRequest
from motion_core.overlay import contact_sheet
from motion_core.sampling import Sampling, sample
from motion_core.trackers import LucasKanade, grid_queries
from motion_core.tracks.model import Tracks, make_tracks
from motion_core.tracks.seeding import grid_points
from motion_core.training.lite.export import export_weights

SIZE, FRAMES, SPACING = Size(256, 256), 16, 16.0
SPEED = 0.7
METHODS = ("without", "direction", "each place", "video")
SETTINGS = MoftSettings(weight=1.0, is_adaptive=True)
TIGHTER = replace(SETTINGS, each_place=True, iterations=4)
# Seeds of the still images that references pan over; prompts and channels use other pictures.
STILL_SEED = 1000


def prompts(count: int) -> list[tuple[Tensor, tuple[float, float]]]:
    """Pairs of picture and direction of held-out scenes, in eight compass directions."""
    pairs = []
    for index in range(count):
        scene = scene_at(World.OURS, Split.TEST, index)
        angle = 2 * math.pi * index / min(count, 8)
        way = (SPEED * math.cos(angle), SPEED * math.sin(angle))
        pairs.append((torch.from_numpy(scene.image).float() / 255.0, way))
    return pairs


def followed(video: Tensor) -> Tracks:
    """Tracks of a grid of points, by Lucas-Kanade."""
    queries = grid_queries(Size(video.shape[2], video.shape[1]), SPACING)
    return LucasKanade().track(video, queries)


def panned(way: tuple[float, float], seed: int) -> Tensor:
    """A video of a still image that pans in a direction."""
    return pan(still(SIZE, seed), way, FRAMES)[0]  # type: ignore[arg-type]


def generated_tracks(
    model: LiteFamily,
    image: Tensor,
    reference: MotionReference | None,
    settings: MoftSettings,
    sampling: Sampling,
) -> Tracks:
    """The tracks of a grid of points in a generated clip that follows no tracks."""
    size = Size(image.shape[1], image.shape[0])
    points = make_tracks(grid_points(size, SPACING).expand(FRAMES, -1, -1), size)
    latent_guidance = () if reference is None else (MoftLatentGuidance(reference, None, settings),)
    run = Sampling(sampling.steps, sampling.seed, latent_guidance=latent_guidance)
    clip = sample(model, None, GenerationRequest(image, FRAMES), points, run)
    assert clip.tracks is not None
    return clip.tracks


def measured(model: LiteFamily, count: int, steps: int) -> dict[str, dict[str, list[float]]]:
    """The measures of each prompt, by method.

    Returns:
        By method: "fidelity", "cosine" (mean cosine with the direction), and as fractions of the
        target distance "part" (mean displacement along it) and "spread" (its deviation).
    """
    rows: dict[str, dict[str, list[float]]] = {
        name: {"fidelity": [], "cosine": [], "part": [], "spread": []} for name in METHODS
    }
    for index, (image, way) in enumerate(prompts(count)):
        size = Size(image.shape[1], image.shape[0])
        path = straight_path(way, size, FRAMES)
        channels = learn_channels(model, size, FRAMES)
        video = panned(way, STILL_SEED + index)
        along = reference_along(path, size, channels)
        references = {
            "without": None,
            "direction": along,
            "each place": along,
            "video": reference_of_video(model, video, lambda video=video: followed(video)),
        }
        target = make_tracks(path[:, None] + torch.tensor(size) / 2, size)
        for name, reference in references.items():
            settings = TIGHTER if name == "each place" else SETTINGS
            result = generated_tracks(
                model, image, reference, settings, Sampling(steps, seed=index)
            )
            row = rows[name]
            row["fidelity"].append(motion_fidelity(result, target))
            row["cosine"].append(float(track_similarity(result, target).nanmean()))
            end = result.xy[-1] - result.xy[0]
            row["part"].append(float(end.mean(dim=0) @ path[-1] / path[-1].square().sum()))
            row["spread"].append(float(end.std(dim=0).norm() / path[-1].norm()))
        sys.stdout.write(f"{index + 1}/{count}\n")
    return rows


def heat(model: LiteFamily) -> Tensor:
    """A scene's true video over its similarity with "to the right" and with "down"."""
    scene = scene_at(World.OURS, Split.TEST, 3, keep_textures=True)
    video = torch.from_numpy(render_frames(scene)).float() / 255.0
    size = Size(video.shape[2], video.shape[1])
    channels = learn_channels(model, size, len(video))
    rows = [contact_sheet(video, 6, tile_width=192)]
    for way in ((1.0, 0.0), (0.0, 1.0)):
        reference = reference_along(straight_path(way, size, len(video)), size, channels)
        values = similarity(model, reference, video, lambda: followed(video))
        rows.append(contact_sheet(heat_picture(values, video), 6, tile_width=192))
    return torch.cat(rows)


def loaded(args: argparse.Namespace) -> LiteFamily:
    """The family with a base from either kind of file."""
    if args.checkpoint is None:
        return LiteFamily(load_lite(args.weights))
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "lite.safetensors"
        shutil.copy(args.weights or SHIPPED, file)
        export_weights(args.checkpoint, file)
        return LiteFamily(load_lite(file))


def main() -> None:
    """Writes the table, all rows and the heat map."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("weights", type=Path, nargs="?")
    parser.add_argument("--checkpoint", type=Path)
    parser.add_argument("--prompts", type=int, default=16)
    parser.add_argument("--steps", type=int, default=8)
    parser.add_argument("--out", type=Path, default=Path("out"))
    args = parser.parse_args()
    torch.set_num_threads(1)
    model = loaded(args)
    rows = measured(model, args.prompts, args.steps)
    args.out.mkdir(parents=True, exist_ok=True)
    (args.out / "moft.json").write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")
    for name, row in rows.items():
        figures = {part: figure(values) for part, values in row.items()}
        listed = "  ".join(
            f"{key} {value.mean:.3f} +- {value.error:.3f}" for key, value in figures.items()
        )
        sys.stdout.write(f"{name:10} {listed}\n")
    _save(heat(model), args.out / "moft_similarity.png")


def _save(picture: Tensor, path: Path) -> None:
    from PIL import Image

    Image.fromarray((picture * 255).round().byte().numpy()).save(path)


if __name__ == "__main__":
    main()
