"""What the child process of the fuzzer does: batches of inputs, tallies and findings on disk."""

from __future__ import annotations

import hashlib
import json
import logging
import os
import time
import warnings
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import seed as seeded

from .judge import Finding, judge
from .target import Target, all_targets

OUT = Path("out/fuzz")
CURRENT = OUT / "current"
# Inputs of a target's first batch, and the seconds and inputs that later ones may take.
FIRST_BATCH, BATCH_SECONDS, MOST_BATCH = 50, 2.0, 500
# Address space beyond what the process has at its start, so that bombs do not fill the machine.
MOST_ADDRESS_SPACE = 6 << 30


@dataclass
class Tally:
    """Counts of one target.

    Attributes:
        inputs, refused: All, and those that were refused.
        seconds: Processor time of the batches, with the making of inputs.
        slowest, most_bytes: Of one input.
        findings: How often each was found, by its signature.
    """

    inputs: int = 0
    seconds: float = 0.0
    refused: int = 0
    slowest: float = 0.0
    most_bytes: int = 0
    findings: dict[str, int] = field(default_factory=dict)

    def add(self, other: Tally) -> None:
        """Add the counts of another tally."""
        self.inputs += other.inputs
        self.seconds += other.seconds
        self.refused += other.refused
        self.slowest = max(self.slowest, other.slowest)
        self.most_bytes = max(self.most_bytes, other.most_bytes)
        for text, count in other.findings.items():
            self.findings[text] = self.findings.get(text, 0) + count


def run_batches(seed: int, until: float, inputs: int, only: str) -> None:
    """Run batches of all targets in turn until the time is up or so many inputs have run."""
    OUT.mkdir(parents=True, exist_ok=True)
    logging.disable(logging.CRITICAL)
    warnings.simplefilter("ignore")
    targets = [target for target in all_targets() if target.name.startswith(only)]
    tallies = {target.name: Tally() for target in targets}
    _limit_memory()
    batch = seed * 1_000_003
    while time.time() < until:
        for target in targets:
            done = sum(tally.inputs for tally in tallies.values())
            if time.time() >= until or (inputs and done >= inputs):
                return
            _run_batch(target, batch, tallies[target.name], until)
            write_tallies(str(seed), tallies)
        batch += 1


def read_tallies() -> dict[str, Tally]:
    """The sums over all workers of this run."""
    total: dict[str, Tally] = {}
    for file in OUT.glob("tally-*.json"):
        for name, values in json.loads(file.read_text(encoding="utf-8")).items():
            total.setdefault(name, Tally()).add(Tally(**values))
    return total


def write_tallies(name: str, tallies: dict[str, Tally]) -> None:
    """Write the counts of one worker, or of how it died."""
    text = json.dumps({name: asdict(tally) for name, tally in tallies.items()})
    temporary = OUT / f"tally-{name}.part"
    temporary.write_text(text, encoding="utf-8")
    temporary.replace(OUT / f"tally-{name}.json")


def save_finding(name: str, content: bytes, text: str) -> None:
    """Write an input and what it breaks to out/fuzz/NAME."""
    folder = OUT / name
    folder.mkdir(parents=True, exist_ok=True)
    stem = hashlib.sha256(content).hexdigest()[:12]
    (folder / stem).write_bytes(content)
    (folder / f"{stem}.txt").write_text(text + "\n", encoding="utf-8", errors="replace")


def _run_batch(target: Target, batch: int, tally: Tally, until: float) -> None:
    """One batch. A new finding is kept, a known one is counted."""
    known = set(tally.findings)

    @seeded(batch)
    @settings(
        max_examples=_batch_size(tally),
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
        report_multiple_bugs=False,
    )
    @given(target.inputs)
    def run(value: Any) -> None:
        if time.time() > until:
            return
        content = target.encode(value)
        CURRENT.write_bytes(json.dumps({"target": target.name}).encode() + b"\n" + content)
        tally.inputs += 1
        try:
            outcome = judge(target, value)
        except Finding as finding:
            if finding.signature in known:
                tally.findings[finding.signature] += 1
                return
            known.add(finding.signature)
            tally.findings[finding.signature] = 1
            save_finding(target.name, content, str(finding))
            return
        tally.refused += outcome.is_refused
        tally.slowest = max(tally.slowest, outcome.seconds)
        tally.most_bytes = max(tally.most_bytes, outcome.extra_bytes)

    started = time.process_time()
    run()
    tally.seconds += time.process_time() - started


def _batch_size(tally: Tally) -> int:
    """So many inputs that every target gets about the same time."""
    if not tally.inputs:
        return FIRST_BATCH
    each = tally.seconds / tally.inputs
    return max(5, min(MOST_BATCH, int(BATCH_SECONDS / max(each, 1e-4))))


def _limit_memory() -> None:
    try:
        import resource
    except ImportError:  # Windows has no such limit.
        return
    pages = int(Path("/proc/self/statm").read_text().split()[0]) if os.name == "posix" else 0
    used = pages * os.sysconf("SC_PAGE_SIZE")
    resource.setrlimit(resource.RLIMIT_AS, (used + MOST_ADDRESS_SPACE,) * 2)
