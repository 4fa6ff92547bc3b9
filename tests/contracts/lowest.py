"""The oldest versions that pyproject.toml allows: `python -m tests.contracts.lowest` lists them.

`make test-lowest` installs exactly these. torch is the host's own and is installed before; tools
that only check or draw (ruff, pyright, playwright) are left out.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any

try:
    import tomllib
except ModuleNotFoundError:  # Python 3.10
    import tomli as tomllib  # type: ignore[no-redef]

ROOT = Path(__file__).resolve().parents[2]
NOT_RUN = {"torch", "ruff", "pyright", "playwright"}


def lowest(project: dict[str, Any]) -> list[str]:
    """`name==version` of every requirement, extras included, at its lower bound.

    Raises ValueError for a requirement without a lower bound, or with two different ones.
    """
    table = project["project"]
    extras = table["optional-dependencies"].values()
    found: dict[str, str] = {}
    for requirement in sorted(
        {*table["dependencies"], *(line for lines in extras for line in lines)}
    ):
        bound = re.match(r"([A-Za-z0-9._-]+?)(?:>=|==)([0-9][0-9.]*)", requirement)
        if bound is None:
            raise ValueError(f"{requirement!r} has no lower bound; write name>=version.")
        name, version = bound.groups()
        if found.setdefault(name, version) != version:
            raise ValueError(f"{name} has the lower bounds {found[name]} and {version}.")
    return [f"{name}=={version}" for name, version in found.items() if name not in NOT_RUN]


def main() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    sys.stdout.write("\n".join(lowest(project)) + "\n")


if __name__ == "__main__":
    main()
