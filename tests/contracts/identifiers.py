"""Every identifier of a Python, JavaScript or CUDA file, and the words it is made of."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

from .faults import tree_of

# A name is split at underscores and at the capitals of camelCase; ACRONYMS stay whole.
_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")
_TEXT = r"(?:\\.|\$(?!\{)|[^`\\$])*(?:`|\$\{)"
_TOKEN = re.compile(
    r"(?P<space>//[^\n]*|/\*.*?\*/|\s+)"
    r"|(?P<literal>\"(?:\\.|[^\"\\\n])*\"|'(?:\\.|[^'\\\n])*'|\d[\w.]*)"
    rf"|(?P<template>`{_TEXT})"
    r"|(?P<name>[A-Za-z_$][\w$]*)"
    r"|(?P<mark>.)",
    re.DOTALL,
)
_TEMPLATE_GOES_ON = re.compile(rf"(?P<template>}}{_TEXT})", re.DOTALL)
_REGEX = re.compile(r"(?P<literal>/(?![*/])(?:\\.|\[(?:\\.|[^\]\\\n])*\]|[^/\\\[\n])+/[a-z]*)")
# After these a slash begins a regular expression; after anything else it divides.
_BEFORE_REGEX = {*"(,=:[!&|?{};+-*%<>~^", "", "return", "typeof", "case"}


@cache
def words_of(identifier: str) -> list[str]:
    """The lower-case words of a snake_case or camelCase name."""
    return [word.lower() for word in _WORD.findall(identifier)]


def python_identifiers(tree: ast.Module) -> list[tuple[int, str]]:
    """Line and name of everything that a Python file defines, imports, reads or calls.

    The syntax tree is read and not the tokens, so names inside f-strings count and no string does.
    """
    found: list[tuple[int, str]] = []
    line = 1
    for node in ast.walk(tree):
        line = getattr(node, "lineno", line)
        if isinstance(node, ast.Constant):
            continue
        for field, value in ast.iter_fields(node):
            texts = value if isinstance(value, list) else [value]
            names = [text for text in texts if isinstance(text, str) and field != "type_comment"]
            found += [(line, name) for name in names]
    return found


def script_identifiers(source: str) -> list[tuple[int, str]]:
    """Line and name of every identifier of a JavaScript or CUDA file, outside comments and strings.

    Code inside a template literal's ``${...}`` counts.
    """
    found: list[tuple[int, str]] = []
    # One entry for each open template: the braces that its current ${...} has opened itself.
    braces: list[int] = []
    position, previous, line = 0, "", 1
    while position < len(source):
        token = _next_token(source, position, previous, resume=braces[-1:] == [0])
        kind, text = token.lastgroup, token.group()
        if kind == "name":
            found.append((line, text))
        elif kind == "template":
            if text[0] == "}":
                braces.pop()
            if text.endswith("${"):
                braces.append(0)
        elif braces and text in ("{", "}"):
            braces[-1] += 1 if text == "{" else -1
        previous = previous if kind == "space" else "(" if text.endswith("${") else text
        line += text.count("\n")
        position = token.end()
    return found


def _next_token(source: str, position: int, previous: str, resume: bool) -> re.Match[str]:
    token = None
    if resume:
        token = _TEMPLATE_GOES_ON.match(source, position)
    if token is None and previous in _BEFORE_REGEX:
        token = _REGEX.match(source, position)
    token = token or _TOKEN.match(source, position)
    assert token is not None, "every character is a token"
    return token


def identifiers_of(path: Path) -> list[tuple[int, str]]:
    """Line and name of every identifier of a file."""
    if path.suffix == ".py":
        return python_identifiers(tree_of(path))
    return script_identifiers(path.read_text(encoding="utf-8"))
