"""Identifiers use the field's words: a list of home-made ones is refused everywhere."""

from __future__ import annotations

from pathlib import Path

import pytest

from .faults import ROOT, faults_of
from .identifiers import identifiers_of, words_of

BANNED = {"told", "untold", "heard", "said", "seen", "unseen", "doubt", "rumour", "accord"} | {
    *("grip", "eyes", "wish", "wished", "nudge", "shot", "film", "filmed")
}
FOLDERS = ("motion_core", "nodes", "web", "tests", "bench")
SUFFIXES = {".py", ".js", ".cu", ".cuh", ".h"}


def word_faults(path: Path, root: Path = ROOT) -> list[str]:
    """The banned words in a file's identifiers and in its own name."""
    names = [(0, Path(part).stem) for part in path.relative_to(root).parts]
    return [
        f"{line}: {name} contains the banned word {word}"
        for line, name in sorted(set(names + identifiers_of(path)))
        for word in words_of(name)
        if word in BANNED
    ]


def test_no_identifier_contains_a_banned_word() -> None:
    files = (path for folder in FOLDERS for path in sorted((ROOT / folder).rglob("*")))
    sources = [path for path in files if path.suffix in SUFFIXES]
    assert {path.suffix for path in sources} == SUFFIXES
    assert faults_of(sources, word_faults) == []


def planted(root: Path, name: str, source: str) -> list[str]:
    (root / name).write_text(source, encoding="utf-8")
    return word_faults(root / name, root)


PYTHON = """
# film
\"\"\"shot\"\"\"
import a.film as b
def is_seen(*, told=1): return f"said {wishGrip}"
x.heardAt = SHOT; y = Eyes(); screenshot = unseenness = "doubt"
f(nudge=1)
"""


def test_the_rule_reads_python(tmp_path: Path) -> None:
    assert planted(tmp_path, "film.py", PYTHON) == [
        "0: film contains the banned word film",
        "4: a.film contains the banned word film",
        "5: is_seen contains the banned word seen",
        "5: told contains the banned word told",
        "5: wishGrip contains the banned word wish",
        "5: wishGrip contains the banned word grip",
        "6: Eyes contains the banned word eyes",
        "6: SHOT contains the banned word shot",
        "6: heardAt contains the banned word heard",
        "7: nudge contains the banned word nudge",
    ]


SCRIPT = r"""// film
const a = "told", wasSeen = /shot\/"[/`]/.test(x) / 2; /* said
*/ let s = `film ${ {a: `said ${EYES} wish`, b: nudge} } grip`;
call(w / doubt / 3, 'it\'s heard', `${"a"}${untold}`);
"""


def test_the_rule_reads_javascript(tmp_path: Path) -> None:
    assert planted(tmp_path, "clean.js", SCRIPT) == [
        "2: wasSeen contains the banned word seen",
        "3: EYES contains the banned word eyes",
        "3: nudge contains the banned word nudge",
        "4: doubt contains the banned word doubt",
        "4: untold contains the banned word untold",
    ]


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("snake_case_name", ["snake", "case", "name"]),
        ("camelCaseName", ["camel", "case", "name"]),
        ("RGBImage", ["rgb", "image"]),
        ("MAX_LENGTH2", ["max", "length"]),
        ("seen0", ["seen"]),
    ],
)
def test_a_name_is_split_into_its_words(name: str, words: list[str]) -> None:
    assert words_of(name) == words
