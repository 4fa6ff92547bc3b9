"""What nodes say again, because importing its source would make loading the pack slow."""

from __future__ import annotations

from motion_core.pose import LEAST_CONFIDENCE
from motion_core.trackers import KINDS
from tests.host.pack import pack_module
from tests.host.runner import StandInHost


def test_nodes_repeat_the_core_truly(host: StandInHost) -> None:
    assert pack_module("nodes.pose_motion").LEAST_CONFIDENCE == LEAST_CONFIDENCE
    assert tuple(KINDS) == pack_module("nodes.track_video").TRACKERS
