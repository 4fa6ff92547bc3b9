"""Checks of long clips and tracks in Wan's conditioning; they run inside a host, see worker.py."""

from __future__ import annotations

import json
from typing import Any

import torch
from torch import Tensor

from .model_checks import sampled, video_of
from .native_checks import largest, pack
from .tiny_models import TinyModel, _fill, tiny_model

WIDTH, HEIGHT = 48, 32
LENGTH, OVERLAP, CLIP = 9, 5, 17


def tiny_wan_vae(seed: int = 3) -> Any:
    """The host's own VAE of Wan 2.1 with 8 channels and random weights."""
    import comfy.ldm.wan.vae
    import comfy.sd

    sizes = {"dim": 8, "z_dim": 16, "dim_mult": [1, 2, 4, 4], "num_res_blocks": 2}
    network = comfy.ldm.wan.vae.WanVAE(**sizes, temperal_downsample=[False, True, True])
    _fill(network, seed)
    return comfy.sd.VAE(sd=network.state_dict())


def drawn_tracks(frames: int) -> Any:
    """A TRACKS value: three tracks through the clip, one born in frame 6, one that ends in 9."""
    start = torch.tensor([[4.0, 4.0], [20.0, 12.0], [36.0, 20.0], [12.0, 28.0], [28.0, 4.0]])
    xy = start[None] + torch.arange(frames)[:, None, None] * torch.tensor([0.9, 0.1])
    visible = torch.ones(frames, 5, dtype=torch.bool)
    visible[:6, 3] = False
    visible[9:, 4] = False
    size = pack("motion_core.geometry").Size(WIDTH, HEIGHT)
    tracks = pack("motion_core.tracks").make_tracks(xy, size, visible=visible)
    return pack("motion_core.formats.host").to_host(tracks)


def pictures(count: int, seed: int = 4) -> Tensor:
    """Smooth random pictures."""
    small = torch.rand(count, 3, 4, 6, generator=torch.Generator().manual_seed(seed))
    large = torch.nn.functional.interpolate(small, (HEIGHT, WIDTH), mode="bilinear")
    return large.movedim(1, -1).contiguous()


def to_wan(model: TinyModel, vae: Any, tracks: Any, start: Tensor, **changes: Any) -> Any:
    """(positive, negative, untracked, latent, report) of the node."""
    values: dict[str, Any] = {
        "follow": {"follow": "wan_move", "strength": 1.0},
        "negative_tracks": "with tracks",
        "end_image": None,
        "previous": None,
        "clip_vision_output": None,
    } | changes
    node = pack("nodes.tracks_to_wan").TracksToWan
    bare = ([[text, {}] for text, _ in one] for one in (model.positive, model.negative))
    return node.execute(*bare, vae, tracks, start, **values).args


def run(model: TinyModel, made: Any, negative: Any = None, patcher: Any = None) -> Tensor:
    """The latents of the host's KSampler with the node's conditioning."""
    import nodes

    positive, other, _, latent, _ = made
    (out,) = nodes.common_ksampler(
        *(patcher or model.patcher, 5, 4, 2.0, "euler", "simple"),
        *(positive, negative or other, latent),
    )
    return out["samples"]


def concat_of(conditioning: Any) -> Tensor:
    """The image latents of a CONDITIONING."""
    return conditioning[0][1]["concat_latent_image"]


# ---- Against the host's own nodes --------------------------------------------------------------


def equals_host_wan_move() -> dict[str, Any]:
    """Tracks to Wan against WanMoveTrackToVideo, where all tracks start visible and never meet."""
    from comfy_extras.nodes_wan import WanImageToVideo
    from comfy_extras.nodes_wanmove import WanMoveTrackToVideo

    model, vae = tiny_model("wan21_i2v"), tiny_wan_vae()
    window = pack("nodes.long_clip").TrackWindow.execute(drawn_tracks(9), 0, 9, 1, "at start")
    tracks, start = window.args[0], pictures(1)
    bare = [[[text, {}] for text, _ in one] for one in (model.positive, model.negative)]
    size = (WIDTH, HEIGHT, 9, 1)
    theirs = WanMoveTrackToVideo.execute(*bare, vae, *size, 1.0, tracks, start).args
    plain = WanImageToVideo.execute(*bare, vae, *size, start).args
    with_, without = (
        to_wan(model, vae, tracks, start, negative_tracks=word)
        for word in ("with tracks", "without tracks")
    )
    import nodes

    def host_run(positive: Any, negative: Any) -> Tensor:
        fixed = (model.patcher, 5, 4, 2.0, "euler", "simple")
        return nodes.common_ksampler(*fixed, positive, negative, theirs[2])[0]["samples"]

    tracked = run(model, with_)
    return {
        "same_latents": largest(concat_of(with_[0]), concat_of(theirs[0])),
        "same_run": largest(tracked, host_run(theirs[0], theirs[1])),
        "host_negative_has_tracks": torch.equal(concat_of(theirs[0]), concat_of(theirs[1])),
        "untracked": largest(concat_of(with_[2]), concat_of(plain[0])),
        "without_is_plain": largest(concat_of(without[1]), concat_of(plain[1])),
        "true_guidance": largest(run(model, without), host_run(theirs[0], plain[1])),
        "differs": largest(run(model, without), tracked),
        "effect": largest(concat_of(with_[0]), concat_of(plain[0])),
        "report": with_[4],
    }


def equals_host_ati() -> dict[str, Any]:
    """Tracks to Wan against WanTrackToVideo. The host takes 121 samples of a track and picks some;
    each of our frames stands at the sample that it picks."""
    from comfy_extras.nodes_wan import WanTrackToVideo

    model, vae = tiny_model("wan21_i2v"), tiny_wan_vae()
    window = pack("nodes.long_clip").TrackWindow.execute(drawn_tracks(9), 0, 9, 1, "at start")
    tracks, start = window.args[0], pictures(1)
    keep = tracks["track_visibility"].all(dim=0)
    tracks = {**tracks, "ids": tracks["ids"][keep]} | {
        key: tracks[key][:, keep] for key in ("track_path", "track_visibility")
    }
    frame_of = [0, *((sample - 2) // 15 + 1 if sample >= 2 else 1 for sample in range(1, 121))]
    samples = tracks["track_path"][frame_of]
    text = json.dumps(
        [[{"x": float(x), "y": float(y)} for x, y in one] for one in samples.transpose(0, 1)]
    )
    bare = [[[words, {}] for words, _ in one] for one in (model.positive, model.negative)]
    theirs = WanTrackToVideo.execute(*bare, vae, text, WIDTH, HEIGHT, 9, 1, 220.0, 2, start).args
    follow = {"follow": "ati", "temperature": 220.0, "nearest": 2}
    ours = to_wan(model, vae, tracks, start, follow=follow)
    masks = [one[0][0][1]["concat_mask"] for one in (ours, theirs)]
    scale = float(concat_of(theirs[0]).abs().max())
    import nodes

    fixed = (model.patcher, 5, 4, 2.0, "euler", "simple")
    wanted = nodes.common_ksampler(*fixed, theirs[0], theirs[1], theirs[2])[0]["samples"]
    return {
        "same_latents": largest(concat_of(ours[0]), concat_of(theirs[0])) / scale,
        "same_mask": largest(*masks),
        "same_run": largest(run(model, ours), wanted) / float(wanted.abs().max()),
        "effect": largest(concat_of(ours[0]), concat_of(ours[2])) / scale,
    }


# ---- Long clips --------------------------------------------------------------------------------


def long_clip(follow: str, latents: bool, end: bool) -> dict[str, Any]:
    """Three windows of a clip, one after the other: cut, condition, sample, decode, join."""
    model, vae, whole = tiny_model("wan21_i2v"), tiny_wan_vae(), drawn_tracks(CLIP)
    settings = {"temperature": 220.0, "nearest": 2} if follow == "ati" else {"strength": 1.0}
    long = pack("nodes.long_clip")
    start, clip, previous = pictures(1), None, None
    last = pictures(1, seed=9) if end else None
    found: dict[str, Any] = {"windows": 0, "overlaps": [], "tracks": [], "carried": [], "kept": []}
    while clip is None or len(clip) < CLIP:
        number = found["windows"]
        out = long.TrackWindow.execute(whole, number, LENGTH, OVERLAP, "in overlap").args
        tracks, overlap, count = out[0], out[3], out[4]
        is_last = number == count - 1
        made = to_wan(
            *(model, vae, tracks, start),
            follow={"follow": follow, **settings},
            previous={"samples": previous} if latents and previous is not None else None,
            end_image=last if is_last else None,
        )
        known = (len(start) - 1) // 4 + 1
        if latents and previous is not None:
            found["carried"].append(
                largest(concat_of(made[0])[:, :, :known], previous[:, :, -known:])
            )
        found["kept"].append(
            largest(concat_of(made[0])[:, :, :known], concat_of(made[2])[:, :, :known])
        )
        previous = run(model, made)
        images = vae.decode(previous)[0]
        clip = (
            images if clip is None else long.JoinWindows.execute(clip, images, overlap, 2).args[0]
        )
        start = clip[-OVERLAP:]
        found["windows"] += 1
        found["overlaps"].append(overlap)
        found["tracks"].append(tracks["ids"].tolist())
        found["mask"] = made[0][0][1]["concat_mask"][0, :, :, 0, 0].tolist()
        found["report"] = made[4]
    return found | {"shape": list(clip.shape), "finite": bool(torch.isfinite(clip).all())}


def continues(name: str) -> dict[str, Any]:
    """Continue Latents through the host's sampler, alone and under Follow Motion."""
    model = tiny_model(name)
    previous, node = model.latents(8), pack("nodes.long_clip").ContinueLatents
    empty = {"samples": model.latent_input(torch.zeros(model.shape))}
    made = node.execute(empty, {"samples": previous}, 2).args[0]

    def sample(patcher: Any, sampler: str = "euler") -> Tensor:
        beside = {"noise_mask": made["noise_mask"]}
        import nodes

        latent = {"samples": made["samples"], **beside}
        fixed = (patcher, 5, 4, 2.0, sampler, "simple", model.positive, model.negative, latent)
        return video_of(nodes.common_ksampler(*fixed)[0]["samples"])

    clocks, dual = pack("motion_core.guidance.clocks"), pack("motion_core.guidance.dual_clock")
    family = clocks.FAMILIES[pack("nodes.host_latents").family_of(model.patcher)]
    clock = dual.DualClock(model.latents(7), family.scale.clock(0.5))
    followed = pack("nodes.host_model").followed(model.patcher, clock)
    plain = video_of(sampled(model, model.patcher, torch.zeros(model.shape), steps=4))
    out = {label: sample(one) for label, one in (("alone", model.patcher), ("follow", followed))}
    scale = float(previous.abs().max())
    return {
        label: largest(one[:, :, :2], previous[:, :, -2:]) / scale for label, one in out.items()
    } | {
        "made": largest(out["alone"][:, :, 2:], plain[:, :, 2:]),
        "followed": largest(out["alone"][:, :, 2:], out["follow"][:, :, 2:]),
    }


def context_windows() -> dict[str, Any]:
    """The host's context windows on a clip of 33 frames: each window of the network gets the part
    of the conditioning that belongs to its frames."""
    from comfy.patcher_extension import WrappersMP
    from comfy_extras.nodes_context_windows import WanContextWindowsManualNode

    model, vae = tiny_model("wan21_i2v"), tiny_wan_vae()
    made = to_wan(model, vae, drawn_tracks(33), pictures(1))
    (windowed,) = WanContextWindowsManualNode.execute(
        *(model.patcher, 17, 5, "standard_static", 1, False, "pyramid"), freenoise=False
    ).args
    windowed = windowed.clone()
    calls: list[tuple[list[int], float]] = []
    scaled = pack("nodes.host_wan_tracks")._scale().process_in(concat_of(made[0]))

    def watch(executor: Any, x: Tensor, *args: Any, **more: Any) -> Tensor:
        options = args[4] if len(args) > 4 else more["transformer_options"]
        window = options["context_window"]
        frames = list(window.index_list)
        anchor = getattr(window, "causal_anchor_index", None)
        if anchor is not None and anchor >= 0:
            frames = [anchor, *frames]
        calls.append((frames, largest(x[:1, 20:36].float(), scaled[:, :, frames])))
        return executor(x, *args, **more)

    windowed.add_wrapper_with_key(WrappersMP.DIFFUSION_MODEL, "watch", watch)
    out = run(model, made, patcher=windowed)
    return {
        "shape": list(out.shape),
        "finite": bool(torch.isfinite(out).all()),
        "windows": sorted({tuple(frames) for frames, _ in calls}),
        "difference": max(one for _, one in calls),
    }


def refusals() -> dict[str, str]:
    """What Tracks to Wan and Continue Latents say about inputs that do not fit."""
    model, vae, tracks = tiny_model("wan21_i2v"), tiny_wan_vae(), drawn_tracks(9)
    start = pictures(1)
    long = pack("nodes.long_clip")
    empty = {"samples": torch.zeros(model.shape)}

    class OtherVae:
        latent_channels = 48
        encode = decode = len

    attempts = {
        "count": lambda: to_wan(model, vae, tracks, pictures(3)),
        "size": lambda: to_wan(model, vae, tracks, pictures(1)[:, :16, :16]),
        "length": lambda: to_wan(model, vae, drawn_tracks(10), start),
        "all_known": lambda: to_wan(model, vae, tracks, pictures(9)),
        "vae": lambda: to_wan(model, OtherVae(), tracks, start),
        "previous": lambda: to_wan(
            model, vae, tracks, pictures(5), previous={"samples": torch.zeros(1, 16, 3, 4, 8)}
        ),
        "end": lambda: to_wan(model, vae, tracks, start, end_image=torch.zeros(1, 8, 8, 3)),
        "window": lambda: long.TrackWindow.execute(drawn_tracks(CLIP), 3, 9, 5, "all"),
        "video": lambda: long.TrackWindow.execute(
            drawn_tracks(CLIP), 0, 9, 5, "all", video=pictures(9)
        ),
        "latents": lambda: long.ContinueLatents.execute(
            empty, {"samples": torch.zeros(1, 16, 3, 4, 8)}, 1
        ),
        "shared": lambda: long.ContinueLatents.execute(empty, empty, 3),
        "batch": lambda: long.ContinueLatents.execute(
            {"samples": torch.zeros(3, 4, 8, 8)}, {"samples": torch.zeros(3, 4, 8, 8)}, 1
        ),
    }
    found = {}
    for name, attempt in attempts.items():
        try:
            attempt()
            found[name] = "nothing"
        except ValueError as error:
            found[name] = str(error)
    return found
