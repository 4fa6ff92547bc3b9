"""A stand-in host for every test of the nodes."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.host.fixtures import fill_input_folder
from tests.host.runner import StandInHost


@pytest.fixture
def host(tmp_path: Path) -> StandInHost:
    """A stand-in host whose input folder holds a picture and a track file."""
    stand_in = StandInHost(tmp_path)
    fill_input_folder(stand_in.input_dir)
    return stand_in
