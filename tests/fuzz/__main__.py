"""python -m tests.fuzz --minutes 60: all targets in turn, for as long as wanted.

The inputs are run by a child process, so that a crash or a hang inside a library costs one input.
Findings are written to out/fuzz/TARGET, each input beside a text that says what it breaks; move an
input to tests/fuzz/seeds/TARGET once it is mended.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import subprocess
import sys
import time
from pathlib import Path

from .work import CURRENT, OUT, Tally, read_tallies, run_batches, save_finding, write_tallies

# Seconds of processor time on one input after which the child is taken for stuck inside a library,
# and of the clock, which alone counts where the system does not tell the other.
STUCK, ASLEEP = 60, 1000
PAUSE = 0.5


def main() -> int:
    """Run until the time is up. Returns 1 when there were findings."""
    arguments = _parser().parse_args()
    if arguments.worker:
        run_batches(arguments.seed, arguments.until, arguments.inputs, arguments.only)
        return 0
    for old in OUT.glob("tally-*.json"):
        old.unlink()
    until = time.time() + 60 * arguments.minutes
    seed = arguments.seed
    while time.time() < until and not _supervise(_command(arguments, seed, until)):
        seed += 1
    total = read_tallies()
    sys.stdout.write(_table(total))
    return int(any(tally.findings for tally in total.values()))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--minutes", type=float, default=10, help="how long to run")
    parser.add_argument("--inputs", type=int, default=0, help="stop after so many inputs")
    parser.add_argument("--only", default="", help="targets whose names begin with this")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--worker", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--until", type=float, default=0, help=argparse.SUPPRESS)
    return parser


def _command(arguments: argparse.Namespace, seed: int, until: float) -> list[str]:
    done = sum(tally.inputs for tally in read_tallies().values())
    left = max(1, arguments.inputs - done) if arguments.inputs else 0
    words = ["--worker", "--seed", seed, "--until", until, "--inputs", left]
    return [sys.executable, "-m", __package__, *map(str, words), "--only", arguments.only]


def _supervise(command: list[str]) -> bool:
    """Run a child to its end; whether it ended by itself. What it died of becomes a finding."""
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    CURRENT.unlink(missing_ok=True)
    with subprocess.Popen(command, env=environment) as child:
        latest, began = 0.0, 0.0
        while child.poll() is None:
            time.sleep(PAUSE)
            changed = CURRENT.stat().st_mtime if CURRENT.exists() else time.time()
            used = _processor_seconds(child.pid)
            if changed != latest:
                latest, began = changed, used
            if used - began > STUCK or time.time() - changed > ASLEEP:
                child.kill()
                child.wait()
                _report_death("hang", f"no answer within {STUCK} s")
                return False
    if child.returncode:
        _report_death("crash", f"the process ended with {child.returncode}")
    return not child.returncode


def _processor_seconds(process: int) -> float:
    """Processor time of a process; 0 where the system does not tell it."""
    with contextlib.suppress(OSError, ValueError, IndexError):
        words = Path(f"/proc/{process}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
        return (int(words[11]) + int(words[12])) / os.sysconf("SC_CLK_TCK")
    return 0.0


def _report_death(kind: str, detail: str) -> None:
    if not CURRENT.exists():
        raise SystemExit(f"the worker died before its first input: {detail}")
    head, _, content = CURRENT.read_bytes().partition(b"\n")
    name = json.loads(head)["target"]
    save_finding(name, content, f"{kind} at {name}: {detail}")
    write_tallies(f"death-{time.time_ns()}", {name: Tally(findings={f"{kind} at {name}": 1})})


def _table(total: dict[str, Tally]) -> str:
    lines = [f"{'target':28}{'inputs':>9}{'refused':>9}{'findings':>9}{'slowest':>9}{'MiB':>8}"]
    for name, tally in sorted(total.items()):
        lines.append(
            f"{name:28}{tally.inputs:9}{tally.refused:9}{len(tally.findings):9}"
            f"{tally.slowest:8.2f}s{tally.most_bytes >> 20:8}"
        )
    inputs = sum(tally.inputs for tally in total.values())
    refused = sum(tally.refused for tally in total.values())
    findings = sum(len(tally.findings) for tally in total.values())
    lines.append(f"{'all':28}{inputs:9}{refused:9}{findings:9}")
    for tally in total.values():
        lines.extend(f"  {text}" for text in tally.findings)
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    if hasattr(os, "nice"):
        os.nice(5)
    Path(OUT).mkdir(parents=True, exist_ok=True)
    sys.exit(main())
