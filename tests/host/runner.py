"""The stand-in host: three folders, the pack's nodes, a few of ComfyUI's, and API workflows run."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .pack import pack_nodes, use_stub
from .prompt import WorkflowError, checked_prompt, is_link, live_inputs, nested


@dataclass(frozen=True)
class Run:
    """What a workflow left behind.

    ui: {node id: what it shows}. outputs: {node id: its values}; empty for a real ComfyUI, which
    keeps them to itself. seconds: {node id: how long it took}.
    """

    ui: dict[str, dict[str, Any]]
    outputs: dict[str, tuple[Any, ...]] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)


class StandInHost:
    """Runs API-format workflows without ComfyUI, in `base`/input, output, temp and models."""

    def __init__(self, base: Path) -> None:
        use_stub()
        self.input_dir, self.output_dir = base / "input", base / "output"
        self.temp_dir, self.models_dir = base / "temp", base / "models"
        for folder in (self.input_dir, self.output_dir, self.temp_dir):
            folder.mkdir(parents=True, exist_ok=True)
        self.use_folders()
        from .core_nodes import CORE_NODES

        self.nodes: dict[str, Any] = {**pack_nodes(), **CORE_NODES}

    def use_folders(self) -> None:
        """Make the folders those of this host; one made later has replaced them."""
        import folder_paths

        folder_paths.models_dir = str(self.models_dir)
        folder_paths.set_input_directory(str(self.input_dir))
        folder_paths.set_output_directory(str(self.output_dir))
        folder_paths.set_temp_directory(str(self.temp_dir))

    def object_info(self) -> dict[str, Any]:
        """Every node as the front end would see it."""
        return {name: node.GET_NODE_INFO_V1() for name, node in self.nodes.items()}

    def run(self, prompt: Mapping[str, Any]) -> Run:
        """Checks and executes a workflow. Raises WorkflowError naming the node that refused."""
        run = Run({}, {}, {})
        for node_id in checked_prompt(prompt, self.nodes):
            started = time.perf_counter()
            output = self._execute(node_id, prompt, run)
            run.seconds[node_id] = time.perf_counter() - started
            run.outputs[node_id] = tuple(output.args)
            if output.ui is not None:
                shown = output.ui if isinstance(output.ui, dict) else output.ui.as_dict()
                run.ui[node_id] = shown
        return run

    def _execute(self, node_id: str, prompt: Mapping[str, Any], run: Run) -> Any:
        from comfy_api.latest import io

        node = prompt[node_id]
        node_class = self.nodes[node["class_type"]]
        schema = node_class.GET_SCHEMA()
        values = {
            name: run.outputs[value[0]][value[1]] if is_link(value) else value
            for name, value in node["inputs"].items()
        }
        described = node_class.GET_NODE_INFO_V1()["input"]
        live = live_inputs(described, node["inputs"]).all()
        for name, (io_type, _) in live.items():
            if io_type == "FLOAT" and name in values:
                values[name] = float(values[name])
        offered = {io.Hidden.unique_id: node_id, io.Hidden.prompt: dict(prompt)}
        hidden = {entry: offered.get(entry) for entry in schema.hidden_inputs()}
        try:
            output = node_class.locked(io.HiddenValues(hidden)).execute(**nested(described, values))
        except (ValueError, TypeError, OSError, ImportError) as error:
            raise WorkflowError(f"node {node_id} ({node['class_type']}): {error}") from error
        if not isinstance(output, io.NodeOutput) or len(output.args) != len(schema.outputs):
            raise WorkflowError(f"node {node_id} ({node['class_type']}) broke its schema.")
        return output
