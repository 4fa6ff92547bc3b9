"""The real ComfyUI frontend from its wheel, served over the stand-in host.

It answers what the page asks of a server: node definitions, our extension, settings, files, and
the queue, whose workflows run through the stand-in host and are reported on the websocket.
"""

from __future__ import annotations

import asyncio
import json
import threading
import uuid
from pathlib import Path
from typing import Any

from aiohttp import WSMsgType, web

from .pack import ROOT
from .prompt import WorkflowError
from .runner import Run, StandInHost

PACK = "motion-prompting"
EXTENSION = f"/extensions/{PACK}"
LOCALES = ROOT / "locales"
HOST_VERSION = "0.33.1"
# What the page asks and any answer of this shape contents.
QUIET: dict[str, Any] = {
    "users": {"storage": "server", "migrated": True},
    "features": {},
    "queue": {"queue_running": [], "queue_pending": []},
    "global_subgraphs": {},
    "node_replacements": {},
    "embeddings": [],
    "models": [],
    "experiment/models": [],
    "userdata": [],
    "history": {},
    "jobs": {"jobs": [], "pagination": {"total": 0, "limit": 1, "offset": 0, "has_more": False}},
    "system_stats": {
        "system": {
            "os": "linux",
            "python_version": "3.11",
            "embedded_python": False,
            "comfyui_version": HOST_VERSION,
            "pytorch_version": "2",
            "argv": [],
            "ram_total": 1,
            "ram_free": 1,
        },
        "devices": [],
    },
}


class FrontendServer:
    """The page on a free port of this machine; use as a context manager.

    static: the folder of the frontend's files. runs: what every queued workflow left behind.
    errors: the messages of workflows that the host refused.
    """

    def __init__(self, host: StandInHost, static: Path) -> None:
        self.host, self.static = host, static
        self.settings: dict[str, Any] = {
            "Comfy.TutorialCompleted": True,
            "Comfy.Workflow.Persist": True,
            "Comfy.Release.Status": "skipped",
            "Comfy.VueNodes.Enabled": False,
        }
        self.prompts: list[dict[str, Any]] = []
        self.runs: list[Run] = []
        self.errors: list[str] = []
        self.url = ""
        self._sockets: set[web.WebSocketResponse] = set()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._is_up = threading.Event()

    def __enter__(self) -> FrontendServer:
        self._thread.start()
        if not self._is_up.wait(timeout=30):
            raise RuntimeError("the frontend's server did not start")
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(timeout=10)

    def _serve(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_until_complete(self._start())
        self._is_up.set()
        self._loop.run_forever()
        self._loop.run_until_complete(self._runner.cleanup())
        self._loop.close()

    async def _start(self) -> None:
        app = web.Application(client_max_size=1 << 28)
        for prefix in ("", "/api"):
            add = app.router.add_route
            add("GET", prefix + "/object_info", self._object_info)
            add("GET", prefix + "/extensions", self._extensions)
            add("GET", prefix + "/i18n", self._locales)
            add("GET", prefix + "/workflow_templates", self._templates)
            app.router.add_static(f"{prefix}/workflow_templates/{PACK}", ROOT / "workflows")
            add("GET", prefix + "/view", self._view)
            add("POST", prefix + "/upload/image", self._upload)
            add("*", prefix + "/prompt", self._prompt)
            add("*", prefix + "/settings", self._settings)
            add("*", prefix + "/settings/{id}", self._settings)
        app.router.add_get("/ws", self._socket)
        app.router.add_static(EXTENSION, ROOT / "web")
        app.router.add_route("*", "/{path:.*}", self._other)
        self._runner = web.AppRunner(app, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}"

    async def _object_info(self, _: web.Request) -> web.Response:
        return web.json_response(self.host.object_info())

    async def _extensions(self, _: web.Request) -> web.Response:
        files = sorted((ROOT / "web").rglob("*.js"))
        return web.json_response(
            [f"{EXTENSION}/{path.relative_to(ROOT / 'web').as_posix()}" for path in files]
        )

    async def _locales(self, _: web.Request) -> web.Response:
        found: dict[str, dict[str, Any]] = {}
        for path in sorted(LOCALES.glob("*/*.json")):
            entries = json.loads(path.read_text(encoding="utf-8"))
            whole = entries if path.stem == "main" else {path.stem: entries}
            found.setdefault(path.parent.name, {}).update(whole)
        return web.json_response(found)

    async def _templates(self, _: web.Request) -> web.Response:
        # ComfyUI lists them in the order of the file system, which is nobody's.
        names = sorted((path.stem for path in (ROOT / "workflows").glob("*.json")), reverse=True)
        return web.json_response({PACK: names})

    async def _view(self, request: web.Request) -> web.StreamResponse:
        path = self._folder(request.query.get("type", "output"))
        path = path / request.query.get("subfolder", "") / request.query["filename"]
        return web.FileResponse(path) if path.is_file() else web.Response(status=404)

    async def _upload(self, request: web.Request) -> web.Response:
        form = await request.post()
        image, subfolder = form["image"], str(form.get("subfolder", ""))
        assert isinstance(image, web.FileField)
        target = self.host.input_dir / subfolder / image.filename
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(image.file.read())
        return web.json_response({"name": target.name, "subfolder": subfolder, "type": "input"})

    def _folder(self, kind: str) -> Path:
        return self.host.input_dir.parent / kind

    async def _settings(self, request: web.Request) -> web.Response:
        key = request.match_info.get("id")
        if request.method == "POST":
            setting = await request.json()
            self.settings.update({key: setting} if key else setting)
        return web.json_response(self.settings.get(key) if key else self.settings)

    async def _socket(self, request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        self._sockets.add(socket)
        status = {"status": {"exec_info": {"queue_remaining": 0}}, "sid": "browser"}
        await socket.send_json({"type": "status", "data": status})
        async for message in socket:
            if message.type == WSMsgType.ERROR:
                break
        self._sockets.discard(socket)
        return socket

    async def _tell(self, kind: str, **data: Any) -> None:
        for socket in list(self._sockets):
            await socket.send_json({"type": kind, "data": data})

    async def _prompt(self, request: web.Request) -> web.Response:
        if request.method != "POST":
            return web.json_response({"exec_info": {"queue_remaining": 0}})
        prompt = (await request.json())["prompt"]
        prompt_id = str(uuid.uuid4())
        self.prompts.append(prompt)
        self._loop.create_task(self._run(prompt, prompt_id))
        answer = {"prompt_id": prompt_id, "number": len(self.prompts), "node_errors": {}}
        return web.json_response(answer)

    async def _run(self, prompt: dict[str, Any], prompt_id: str) -> None:
        await self._tell("execution_start", prompt_id=prompt_id)
        try:
            run = await asyncio.to_thread(self.host.run, prompt)
        except WorkflowError as error:
            self.errors.append(str(error))
            return
        self.runs.append(run)
        for node_id, shown in run.ui.items():
            plain = json.loads(json.dumps(shown))
            await self._tell(
                "executed", node=node_id, display_node=node_id, output=plain, prompt_id=prompt_id
            )
        await self._tell("execution_success", prompt_id=prompt_id)

    async def _other(self, request: web.Request) -> web.StreamResponse:
        path = request.match_info["path"]
        file = self.static / (path or "index.html")
        if file.is_file():
            return web.FileResponse(file)
        name = path.removeprefix("api/").rstrip("/")
        if name in QUIET and request.method == "GET":
            return web.json_response(QUIET[name])
        return web.json_response({}, status=404)


def installed_frontend() -> Path:
    """The files of the frontend that is installed in this environment."""
    import comfyui_frontend_package

    return Path(comfyui_frontend_package.__file__).parent / "static"
