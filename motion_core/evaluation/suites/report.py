"""The report of a suite: one JSON layout for all suites, and a leaderboard in Markdown."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ...errors import FormatError
from ...safe_json import read_json_object
from ..statistics import Figure
from .run import EntryScores, SuiteReport
from .suite import SUITES

SCHEMA_VERSION = 1
MOST_REPORT_BYTES = 1 << 28


def as_values(report: SuiteReport) -> dict[str, Any]:
    """The report as values of JSON; unknown figures are null.

    Layout, version 1: `suite_report` (the version), `suite`, `about` (tracker, backbone, weights),
    `measures` (name to unit and whether higher is better), `cases` (names), and `entries`, each
    with `name`, `scores` (case to measure to figure), `missing`, `problems`, `fvd`, and `summary`
    (measure to mean, error, cases, over all of its cases).
    """
    return {
        "suite_report": SCHEMA_VERSION,
        "suite": report.suite,
        "about": report.about,
        "measures": {
            one.name: {"unit": one.unit, "higher_is_better": one.higher_is_better}
            for one in report.measures
        },
        "cases": list(report.cases),
        "entries": [_entry_values(report, entry) for entry in report.entries],
    }


def _entry_values(report: SuiteReport, entry: EntryScores) -> dict[str, Any]:
    return {
        "name": entry.name,
        "summary": {
            one.name: _figure_values(entry.summary(one.name, list(entry.rows)))
            for one in report.measures
        },
        "fvd": _known(entry.fvd),
        "missing": list(entry.missing),
        "problems": entry.problems,
        "scores": {
            case: {name: _known(value) for name, value in row.items()}
            for case, row in entry.rows.items()
        },
    }


def _figure_values(value: Figure) -> dict[str, Any]:
    return {"mean": _known(value.mean), "error": _known(value.error), "cases": value.clips}


def _known(value: float) -> float | None:
    return value if math.isfinite(value) else None


def read_report(path: Path) -> SuiteReport:
    """The report of as_values.

    Raises FormatError for another file, another version, and a suite that is not known.
    """
    values = read_json_object(path, MOST_REPORT_BYTES)
    if values.get("suite_report") != SCHEMA_VERSION:
        raise FormatError(
            f"{path}: expected a suite report of version {SCHEMA_VERSION}, got "
            f"{values.get('suite_report')!r:.40}. Measure again with this release."
        )
    suite = SUITES.get(str(values.get("suite")))
    if suite is None:
        raise FormatError(f"{path} is of the suite {values.get('suite')!r:.40}, which is unknown.")
    try:
        entries = tuple(_read_entry(entry) for entry in values["entries"])
        cases = tuple(str(case) for case in values["cases"])
        about = dict(values["about"])
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise FormatError(f"{path} is not a whole suite report ({error}).") from error
    return SuiteReport(suite.name, suite.measures, cases, entries, about)


def _read_entry(values: dict[str, Any]) -> EntryScores:
    rows = {
        str(case): {name: _number(value) for name, value in row.items()}
        for case, row in values["scores"].items()
    }
    return EntryScores(
        str(values["name"]),
        rows,
        tuple(values["missing"]),
        dict(values["problems"]),
        _number(values["fvd"]),
    )


def _number(value: Any) -> float:
    return math.nan if value is None else float(value)


def merged(reports: Sequence[SuiteReport]) -> SuiteReport:
    """Models of several reports of one suite in one.

    Raises ValueError where suites, cases or tools differ, or a name comes twice.
    """
    first = reports[0]
    for other in reports[1:]:
        for what in ("suite", "cases", "about"):
            if getattr(first, what) != getattr(other, what):
                raise ValueError(
                    f"reports compare only with equal {what}: {getattr(first, what)!r:.120} and "
                    f"{getattr(other, what)!r:.120}. Measure them in one command."
                )
    entries = [entry for report in reports for entry in report.entries]
    names = [entry.name for entry in entries]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ValueError(f"two entries are called {twice[0]}; rename one with NAME=DIR.")
    return SuiteReport(first.suite, first.measures, first.cases, tuple(entries), first.about)


def as_markdown(report: SuiteReport) -> str:
    """A leaderboard: models in the order of the first measure, means over the cases that all have,
    ± standard errors, the best of each column in bold."""
    common = report.common_cases()
    columns = [one for one in report.measures if _any_known(report, one.name, common)]
    has_fvd = any(math.isfinite(entry.fvd) for entry in report.entries)
    figures = {
        (entry.name, one.name): entry.summary(one.name, common)
        for entry in report.entries
        for one in columns
    }
    heads = [f"{one.name}{f', {one.unit}' if one.unit else ''} {_arrow(one)}" for one in columns]
    heads += ["FVD ↓"] if has_fvd else []
    lines = [
        f"# {SUITES[report.suite].about}",
        "",
        f"{len(common)} of {len(report.cases)} cases, which all models have. "
        f"Tracker {report.about['tracker']}, backbone {report.about['backbone']}. ↓ lower, ↑ "
        "higher is better. Figures of other trackers, backbones and resolutions do not compare.",
        "",
        f"| model | videos | {' | '.join(heads)} |",
        f"|---|---:|{'---:|' * len(heads)}",
    ]
    for entry in _ranked(report, columns, figures):
        cells = [_cell(report, entry, one, figures) for one in columns]
        cells += [f"{entry.fvd:.1f}" if math.isfinite(entry.fvd) else "–"] if has_fvd else []
        videos = f"{len(entry.rows)}"
        lines.append(f"| {entry.name} | {videos} | {' | '.join(cells)} |")
    return "\n".join([*lines, *_notes(report)]) + "\n"


def _any_known(report: SuiteReport, name: str, cases: list[str]) -> bool:
    return any(entry.summary(name, cases).clips for entry in report.entries)


def _arrow(measure: Any) -> str:
    return "↑" if measure.higher_is_better else "↓"


def _ranked(
    report: SuiteReport, columns: Sequence[Any], figures: dict[tuple[str, str], Figure]
) -> list[EntryScores]:
    if not columns:
        return list(report.entries)
    first = columns[0]

    def place(entry: EntryScores) -> tuple[bool, float]:
        mean = figures[entry.name, first.name].mean
        return math.isnan(mean), -mean if first.higher_is_better else mean

    return sorted(report.entries, key=place)


def _cell(
    report: SuiteReport,
    entry: EntryScores,
    measure: Any,
    figures: dict[tuple[str, str], Figure],
) -> str:
    value = figures[entry.name, measure.name]
    if math.isnan(value.mean):
        return "–"
    means = [figures[other.name, measure.name].mean for other in report.entries]
    known = [mean for mean in means if not math.isnan(mean)]
    best = max(known) if measure.higher_is_better else min(known)
    text = f"{value.mean:.3g}" if abs(value.mean) < 10 else f"{value.mean:.2f}"
    text = f"**{text}**" if value.mean == best and len(known) > 1 else text
    return text if math.isnan(value.error) else f"{text} ± {value.error:.2g}"


def _notes(report: SuiteReport) -> list[str]:
    notes = []
    for entry in report.entries:
        if entry.missing:
            notes.append(
                f"- {entry.name} has no video of {len(entry.missing)} cases, such as "
                f"{entry.missing[0]}."
            )
        notes += [f"- {entry.name}, {case}: {text}" for case, text in entry.problems.items()]
    return ["", *notes] if notes else []
