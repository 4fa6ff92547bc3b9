"""Runs every measurement, prints a table and writes out/bench.json and out/bench-meta.json.

`python -m bench` runs all modules, `python -m bench raster draft` those. A slow machine is
reported, never an error: the exit code is 1 only when a measurement itself broke.
"""

from __future__ import annotations

import importlib
import json
import logging
import os
import platform
import subprocess
import sys
from pathlib import Path
from typing import Any

import torch

from .row import Row

FOLDER = Path(__file__).resolve().parent
OUT = FOLDER.parent / "out"
log = logging.getLogger("bench")


def module_names() -> list[str]:
    """The modules of this folder that define measure(), found without importing them."""
    sources = {path.stem: path.read_text(encoding="utf-8") for path in FOLDER.glob("*.py")}
    return sorted(name for name, source in sources.items() if "\ndef measure(" in source)


def measured(name: str) -> list[Row]:
    """The rows of one module, or one failed row when it broke; the log has the traceback."""
    try:
        return importlib.import_module(f"bench.{name}").measure()
    except Exception as error:
        log.exception("bench/%s.py broke", name)
        return [Row(name, None, "", f"{type(error).__name__}: {error}", failed=True)]


def table(rows: list[Row]) -> str:
    """The rows as aligned text."""
    lines = [("measured", "value", "against", "ratio", "budget", "")]
    for row in rows:
        verdict = "broke" if row.failed else "ok" if row.ok else "over budget"
        lines.append(
            (row.name, f"{number(row.value)} {row.unit}", row.against)
            + (number(row.ratio), number(row.budget), verdict)
        )
    widths = [max(len(line[column]) for line in lines) for column in range(5)]
    padded = ("  ".join(map(str.ljust, line[:5], widths)) + "  " + line[5] for line in lines)
    return "\n".join(padded) + "\n"


def number(value: float | None) -> str:
    """Four significant digits, or a dash."""
    return "-" if value is None else f"{value:.4g}"


def circumstances() -> dict[str, Any]:
    """The conditions of a run: command, machine, versions, commit."""
    return {
        "command": " ".join(["python", "-m", "bench", *sys.argv[1:]]),
        "commit": git("rev-parse", "HEAD"),
        "uncommitted_changes": bool(git("status", "--porcelain", "--untracked-files=no")),
        "processor": processor(),
        "system": platform.platform(),
        "cores": os.cpu_count(),
        "load_average": os.getloadavg() if hasattr(os, "getloadavg") else None,
        "torch_threads": torch.get_num_threads(),
        "torch": torch.__version__,
        "python": platform.python_version(),
    }


def machine(about: dict[str, Any]) -> str:
    """One line about the machine, with a warning if it was busy before the run."""
    line = f"{about['processor']}, {about['cores']} cores, {about['torch_threads']} threads"
    load = about["load_average"]
    if load and load[0] > about["cores"] / 2:
        line += (
            f"; busy before the run (load {load[0]:.1f}), so ratios of parallel work are too high"
        )
    return line


def processor() -> str:
    """The processor's name, as the system reports it."""
    listing = Path("/proc/cpuinfo")
    lines = listing.read_text().splitlines() if listing.exists() else []
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor()


def git(*words: str) -> str:
    """The output of a git command in this folder; empty without git."""
    try:
        done = subprocess.run(["git", *words], cwd=FOLDER, capture_output=True, text=True)
    except OSError:
        return ""
    return done.stdout.strip()


def main(names: list[str]) -> int:
    """Measures the named modules (all when none is named) and reports. Returns the exit code."""
    known = module_names()
    unknown = sorted(set(names) - set(known))
    if unknown:
        sys.stderr.write(f"no bench named {', '.join(unknown)}; there are: {', '.join(known)}\n")
        return 2
    about = circumstances()
    rows = [row for name in names or known for row in measured(name)]
    OUT.mkdir(exist_ok=True)
    listing = json.dumps([row.as_dict() for row in rows], indent=2)
    (OUT / "bench.json").write_text(listing + "\n", encoding="utf-8")
    (OUT / "bench-meta.json").write_text(json.dumps(about, indent=2) + "\n", encoding="utf-8")
    sys.stdout.write(table(rows) + f"\n{machine(about)}\nwritten to {OUT / 'bench.json'}\n")
    return int(any(row.failed for row in rows))


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(message)s")
    sys.exit(main(sys.argv[1:]))
