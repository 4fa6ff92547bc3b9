"""Checks of a Track-ControlNet on the host's own Wan; they run inside a host, see worker.py."""

from __future__ import annotations

import contextlib
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from .native_checks import largest, pack, plain_guider, run_guided, tracks_on
from .tiny_models import TinyModel, _wan_image, tiny_model


def diffusers_wan(**sizes: Any) -> Any:
    """A Wan of diffusers with random weights."""
    from diffusers.models.transformers.transformer_wan import WanTransformer3DModel

    base = {
        "patch_size": (1, 2, 2),
        "num_attention_heads": 2,
        "attention_head_dim": 24,
        "in_channels": 36,
        "out_channels": 16,
        "text_dim": 24,
        "freq_dim": 16,
        "ffn_dim": 64,
        "num_layers": 2,
        "cross_attn_norm": True,
        "rope_max_seq_len": 32,
    }
    with torch.random.fork_rng():
        torch.manual_seed(3)
        return WanTransformer3DModel(**{**base, **sizes}).eval()


def control_file(folder: Path, transformer: Any, layers: tuple[int, ...]) -> Path:
    """A trained Track-ControlNet's file: its outputs are not zero."""
    control = control_of(transformer, layers)
    file = folder / "control.safetensors"
    pack("motion_core.models.wan.weights").save_track_controlnet(control, file)
    return file


def control_of(transformer: Any, layers: tuple[int, ...]) -> Any:
    """A Track-ControlNet with random outputs."""
    ids = pack("motion_core.raster.ids").IdEmbedding(4, 64)
    module = pack("motion_core.models.wan.track_controlnet")
    control = module.WanTrackControlNet(transformer, layers, ids).eval()
    generator = torch.Generator().manual_seed(11)
    with torch.no_grad():
        for out in control.outs:
            out.weight.copy_(torch.randn(out.weight.shape, generator=generator) * 0.2)
    return control


def native_wan(transformer: Any, **sizes: Any) -> Any:
    """The host's own Wan with the weights of one of diffusers."""
    import comfy.ops
    from comfy.ldm.wan.model import WanModel

    base = {
        "dim": 48,
        "ffn_dim": 64,
        "freq_dim": 16,
        "text_dim": 24,
        "num_heads": 2,
        "num_layers": 2,
        "in_dim": 36,
        "out_dim": 16,
        "text_len": 8,
    }
    network = WanModel(
        **{**base, **sizes}, device="cpu", dtype=torch.float32, operations=comfy.ops.manual_cast
    )
    rename = pack("motion_core.models.wan.native_keys").native_name
    names = {
        "condition_embedder.text_embedder.linear_1": "text_embedding.0",
        "condition_embedder.text_embedder.linear_2": "text_embedding.2",
        "condition_embedder.time_embedder.linear_1": "time_embedding.0",
        "condition_embedder.time_embedder.linear_2": "time_embedding.2",
        "condition_embedder.time_proj": "time_projection.1",
        "condition_embedder.image_embedder.norm1": "img_emb.proj.0",
        "condition_embedder.image_embedder.ff.net.0.proj": "img_emb.proj.1",
        "condition_embedder.image_embedder.ff.net.2": "img_emb.proj.3",
        "condition_embedder.image_embedder.norm2": "img_emb.proj.4",
        "proj_out": "head.head",
    }
    state = {}
    for name, tensor in transformer.state_dict().items():
        stem, _, last = name.rpartition(".")
        state[f"{names[stem]}.{last}" if stem in names else rename(name)] = tensor
    state["head.modulation"] = state.pop("scale_shift_table")
    network.load_state_dict(state)
    return network.eval()


def hidden_states_agree(reads_image: bool) -> dict[str, Any]:
    """Every block's output and the prediction: diffusers' Wan under WanTrackControlNet against the
    host's Wan under Apply Track-ControlNet, with the same weights and file."""
    image = {"image_dim": 1280, "added_kv_proj_dim": 48} if reads_image else {}
    transformer = diffusers_wan(**image)
    network = native_wan(transformer, model_type="i2v" if reads_image else "t2v")
    control = control_of(transformer, (0, 1))
    tracks = pack("motion_core.formats.host").from_host(tracks_on())
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(2, 36, 3, 4, 6, generator=generator)
    text = torch.randn(2, 512, 24, generator=generator)
    clip = torch.randn(2, 257, 1280, generator=generator) if reads_image else None
    time = torch.tensor([300.0, 300.0])
    theirs: list[Tensor] = []
    ours: list[Tensor] = []
    for blocks, found in ((transformer.blocks, theirs), (network.blocks, ours)):
        for block in blocks:
            block.register_forward_pre_hook(lambda _, args, found=found: found.append(args[0]))
    with (
        torch.no_grad(),
        control.attached(transformer, control.encode_tracks(tracks, torch.ones(5)), 0.7),
    ):
        given = {"encoder_hidden_states_image": clip} if reads_image else {}
        wanted = transformer(x, time, text, return_dict=False, **given)[0]
    with tempfile.TemporaryDirectory() as folder, torch.no_grad():
        file = control_file(Path(folder), transformer, (0, 1))
        patch = pack("nodes.host_wan_control").load_native_controlnet(file)
        guidance = pack("nodes.host_model_guidance")
        settings = guidance.ControlSettings(patch, tracks, 0.7)
        forward = guidance._ControlledForward("k", settings, patch.model)
        from comfy.patcher_extension import WrapperExecutor

        options = {"k": guidance._ControlRun(1e9, 0.0), "sigmas": torch.tensor([0.5])}
        executor = WrapperExecutor.new_class_executor(network._forward, network, [forward])
        made = executor.execute(x, time, text, clip, None, options)
        plain = network(x, time, text, clip_fea=clip)
    return {
        "blocks": [largest(one, other) for one, other in zip(theirs, ours[:2], strict=True)],
        "prediction": largest(wanted, made),
        "effect": largest(plain, made),
    }


def applied(model: TinyModel, folder: Path, **settings: Any) -> Any:
    """The MODEL under the control of a file, through the nodes."""
    file = control_file(folder, diffusers_wan(), (0, 1))
    nodes = pack("nodes.apply_track_controlnet")
    patch = pack("nodes.host_wan_control").load_native_controlnet(file)
    values = {"strength": 1.0, "start": 0.0, "end": 1.0, "seed": 0, **settings}
    values.setdefault("tracks", tracks_on())
    return nodes.ApplyTrackControlNet.execute(model.patcher, patch, **values).args[0]


def track_controlnet() -> dict[str, Any]:
    """What a user may rely on: strength 0 and an empty window change nothing, clones do not leak,
    every sampler runs, motion guidance switches it off for one prediction."""
    import comfy.model_management

    model = tiny_model("wan21_i2v")
    before = run_guided(model, plain_guider(model, model.patcher))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        on = applied(model, folder)
        result = run_guided(model, plain_guider(model, on))
        loaded = [type(one.model).__name__ for one in on.get_nested_additional_models()]
        guidance = pack("nodes.host_model_guidance")
        guider = guidance.motion_guider(
            on, model.positive, model.negative, model.positive, (2.0, 2.0)
        )
        guided = run_guided(model, guider)
        window = applied(model, folder, start=0.99, end=1.0)
        twice = applied(TinyModel(on, *_rest(model)), folder)
        return {
            "effect": largest(result, before),
            "again": bool(torch.equal(result, run_guided(model, plain_guider(model, on)))),
            "clean": bool(
                torch.equal(before, run_guided(model, plain_guider(model, model.patcher)))
            ),
            "off": bool(
                torch.equal(
                    before,
                    run_guided(model, plain_guider(model, applied(model, folder, strength=0.0))),
                )
            ),
            "outside": bool(torch.equal(before, run_guided(model, plain_guider(model, window)))),
            "loaded": loaded,
            "guided": largest(guided, result),
            "twice": largest(run_guided(model, plain_guider(model, twice)), result),
            "samplers": [
                bool(torch.isfinite(run_guided(model, plain_guider(model, on), sampler=one)).all())
                for one in ("uni_pc", "dpmpp_2m", "lcm")
            ],
            "devices": str(comfy.model_management.get_torch_device()),
        }


def _rest(model: TinyModel) -> tuple[Any, ...]:
    return model.shape, model.positive, model.negative, model.audio_shape


# ---- Context windows ---------------------------------------------------------------------------

LONG = 9  # latent frames, 33 pictures


def context_windows(causal_window_fix: bool, retained: str = "") -> dict[str, Any]:
    """The host's context windows of five latent frames on a clip of nine: every pass of the network
    against one without windows whose control is encoded by hand, latent frame by latent frame."""
    from comfy.patcher_extension import WrapperExecutor, WrappersMP

    shape = (1, 16, LONG, 4, 6)
    beside = _wan_image(shape)
    model = tiny_model("wan21_i2v")
    positive, negative = ([[one[0][0], beside]] for one in (model.positive, model.negative))
    model = replace(model, shape=shape, positive=positive, negative=negative)
    guidance = pack("nodes.host_model_guidance")
    tracks = tracks_on(frames=4 * LONG - 3)
    passes: list[tuple[list[int], float, float]] = []
    by_hand: list[Tensor] = []

    def watch(executor: Any, *args: Any, **more: Any) -> Tensor:
        made = executor(*args, **more)
        *beginning, options = args
        window = options["context_window"]
        anchor = getattr(window, "causal_anchor_index", None)
        frames = ([] if anchor is None else [anchor]) + list(window.index_list)
        if retained:
            frames[0] = 0
        settings = guidance.ControlSettings(patch, pack_tracks(tracks))
        rows = torch.cat([by_hand[frame] for frame in frames])
        run = guidance._ControlRun(1e9, 0.0, control=rows)
        plain = {key: value for key, value in options.items() if key != "context_window"}
        forward = guidance._ControlledForward("by_hand", settings, patch.model)
        network = executor.class_obj
        alone = WrapperExecutor.new_class_executor(network._forward, network, [forward])
        wanted = alone.execute(*beginning, {**plain, "by_hand": run}, **more)
        free = network._forward(*beginning, plain, **more)
        passes.append((frames, largest(made, wanted), largest(made, free)))
        return made

    with tempfile.TemporaryDirectory() as name:
        watched = model.patcher.clone()
        watched.add_wrapper_with_key(WrappersMP.DIFFUSION_MODEL, "watch", watch)
        on = applied(replace(model, patcher=watched), Path(name), tracks=tracks)
        (patch,) = on.get_nested_additional_models()
        by_hand = [encoded_alone(patch.model, tracks, frame) for frame in range(LONG)]
        run_guided(model, plain_guider(model, windowed(on, 5, causal_window_fix, retained)))
        bare = applied(model, Path(name), tracks=tracks)
        whole = run_guided(model, plain_guider(model, bare))
        one = run_guided(model, plain_guider(model, windowed(bare, LONG, True, "", always=True)))
        short = windowed(applied(model, Path(name)), 5, True, "")
        try:
            run_guided(model, plain_guider(model, short))
            refused = "accepted"
        except ValueError as error:
            refused = str(error)
    return {
        "windows": [list(one) for one in dict.fromkeys(tuple(frames) for frames, *_ in passes)],
        "by_hand": max(one for _, one, _ in passes),
        "effect": min(one for *_, one in passes),
        "one_window_for_all": largest(whole, one) / float(whole.abs().max()),
        "short": refused,
    }


def pack_tracks(tracks: Any) -> Any:
    """Tracks of a TRACKS value."""
    return pack("motion_core.formats.host").from_host(tracks)


def encoded_alone(network: Any, tracks: Any, frame: int) -> Tensor:
    """The encoded tracks of one latent frame: of the clip with nothing visible elsewhere."""
    pictures = slice(max(4 * frame - 3, 0), 4 * frame + 1)
    visible = torch.zeros_like(tracks["track_visibility"])
    visible[pictures] = tracks["track_visibility"][pictures]
    alone = pack_tracks({**tracks, "track_visibility": visible})
    rows = network.encode_tracks(alone, torch.ones(alone.num_points))
    return rows.unflatten(0, (LONG, -1))[frame]


def windowed(
    model: Any, length: int, causal_window_fix: bool, retained: str, *, always: bool = False
) -> Any:
    """A MODEL in the host's context windows, also where one holds the whole clip."""
    import comfy.context_windows as windows

    class Handler(windows.IndexListContextHandler):
        def should_use_context(self, *args: Any, **more: Any) -> bool:
            return always or super().should_use_context(*args, **more)

    clone = model.clone()
    clone.model_options["context_handler"] = Handler(
        context_schedule=windows.get_matching_context_schedule("standard_static"),
        fuse_method=windows.get_matching_fuse_method("pyramid"),
        context_length=length,
        context_overlap=min(3, length - 1),
        dim=2,
        causal_window_fix=causal_window_fix,
        cond_retain_index_list=retained,
        latent_retain_index_list=retained,
    )
    windows.create_prepare_sampling_wrapper(clone)
    return clone


# ---- What is refused ---------------------------------------------------------------------------


def interrupted() -> dict[str, Any]:
    """A run that is interrupted in the control leaves the model as it was."""
    model = tiny_model("wan21_i2v")
    before = run_guided(model, plain_guider(model, model.patcher))
    with tempfile.TemporaryDirectory() as name:
        on = applied(model, Path(name))
        wanted = run_guided(model, plain_guider(model, on))
        (patch,) = on.get_nested_additional_models()
        calls: list[int] = []

        def stop(*_: Any) -> None:
            calls.append(1)
            if len(calls) == 2:
                raise InterruptedError

        handle = patch.model.blocks[1].register_forward_pre_hook(stop)
        with contextlib.suppress(InterruptedError):
            run_guided(model, plain_guider(model, on))
        handle.remove()
        return {
            "stopped": len(calls) == 2,
            "clean": bool(
                torch.equal(before, run_guided(model, plain_guider(model, model.patcher)))
            ),
            "same": bool(torch.equal(wanted, run_guided(model, plain_guider(model, on)))),
        }


def refusals() -> dict[str, str]:
    """What the nodes answer to models, patches and tracks that do not belong."""
    answers = {}
    wan, ltx = tiny_model("wan21_i2v"), tiny_model("ltxv")
    small = tiny_model("wan22_5b")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        cases = {
            "ltx": lambda: applied(ltx, folder),
            "frames": lambda: run_guided(
                wan, plain_guider(wan, applied(wan, folder, tracks=tracks_on(frames=5)))
            ),
            "size": lambda: run_guided(
                wan, plain_guider(wan, applied(wan, folder, tracks=tracks_on((64, 32))))
            ),
            "window": lambda: applied(wan, folder, start=0.6, end=0.2),
            "other": lambda: pack("nodes.host_model_guidance").controlled(
                wan.patcher,
                pack("nodes.host_model_guidance").ControlSettings(small.patcher, None),
            ),
            "deep": lambda: pack("nodes.host_model_guidance").check_base(
                wan.patcher.model.diffusion_model, _deep()
            ),
            "untracked": lambda: pack("nodes.motion_guidance_host").MotionGuidance.execute(
                wan.patcher, wan.positive, wan.negative, 2.0, 2.0
            ),
        }
        for key, case in cases.items():
            try:
                case()
                answers[key] = "accepted"
            except (ValueError, TypeError) as error:
                answers[key] = str(error)
    return answers


def _deep() -> Any:
    """The sizes of a Track-ControlNet made for more blocks than the base has."""
    from types import SimpleNamespace

    return SimpleNamespace(width=48, heads=2, patch=2, reads_image=False, layers=(0, 30))
