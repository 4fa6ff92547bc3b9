"""Rewrites the golden files from the Python definitions: python -m tests.golden.write"""

from __future__ import annotations

from .collect import FOLDER, all_golden_cases, as_text


def main() -> None:
    for name, content in sorted(all_golden_cases().items()):
        (FOLDER / name).write_text(as_text(content), encoding="utf-8", newline="\n")
        print(f"wrote {name}: {len(content['cases'])} cases")  # noqa: T201


if __name__ == "__main__":
    main()
