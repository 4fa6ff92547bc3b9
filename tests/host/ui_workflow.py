"""From the workflow a user opens (UI format) to the one that runs (API format).

The front end does this in the browser. Doing it here too proves that both files of a shipped
workflow say the same, and that the UI file names only nodes, inputs and values that exist.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from .prompt import Described, sockets

WIDGETS = {"INT", "FLOAT", "FLOAT,INT", "STRING", "BOOLEAN", "COMBO"}
# The upload button keeps a value of its own.
COMBO_EXTRAS = {"image_upload": ["image"], "video_upload": ["image"]}


def to_api(workflow: Mapping[str, Any], object_info: Mapping[str, Any]) -> dict[str, Any]:
    """The API-format prompt of a UI-format workflow without subgraphs.

    Raises KeyError or ValueError where the workflow names what the host does not have.
    """
    links = {link[0]: (str(link[1]), link[2]) for link in workflow["links"]}
    prompt = {}
    for node in workflow["nodes"]:
        if node["type"] in ("Note", "MarkdownNote"):
            continue
        described = object_info[node["type"]]["input"]
        inputs = dict(_widget_values(node, described))
        for socket in node.get("inputs", []):
            if socket.get("link") is not None:
                inputs[socket["name"]] = list(links[socket["link"]])
        prompt[str(node["id"])] = {"class_type": node["type"], "inputs": inputs}
    return prompt


def with_older_codec(prompt: Mapping[str, Any]) -> dict[str, Any]:
    """A prompt with Save Video's codec where hosts before core 0.33 have it.

    Core 0.33 nests the codec under the format and still accepts the older form, in which the
    shipped API files are written.
    """
    renamed = {"format.codec": "codec"}
    return {
        node_id: node
        if node["class_type"] != "SaveVideo"
        else node | {"inputs": {renamed.get(key, key): one for key, one in node["inputs"].items()}}
        for node_id, node in prompt.items()
    }


def _widget_values(node: Mapping[str, Any], described: Described) -> Iterator[tuple[str, Any]]:
    values = list(node.get("widgets_values", []))
    yield from _consume(described, values, "")
    if values:
        raise ValueError(f"node {node['id']} ({node['type']}) has widget values left: {values}.")


def _consume(described: Described, values: list[Any], prefix: str) -> Iterator[tuple[str, Any]]:
    required = described.get("required", {})
    for name, (io_type, options) in sockets(described):
        if io_type == "COMFY_DYNAMICCOMBO_V3":
            if not values and name not in required:
                continue
            chosen = values.pop(0)
            yield prefix + name, chosen
            option = next(one for one in options["options"] if one["key"] == chosen)
            yield from _consume(option["inputs"], values, f"{prefix}{name}.")
        elif _has_widget(io_type, options) and (values or name in required):
            yield prefix + name, values.pop(0)
            if options.get("control_after_generate"):
                values.pop(0)  # what happens to a seed after a run: the page's own
            for key, extra in COMBO_EXTRAS.items():
                if options.get(key) and values[:1] == extra:
                    values.pop(0)


def _has_widget(io_type: Any, options: Mapping[str, Any]) -> bool:
    return (isinstance(io_type, list) or io_type in WIDGETS) and not options.get("forceInput")
