"""Motion transfer without a gradient through the model (FlowMotion, arXiv 2603.06289)."""

from __future__ import annotations

from .transfer import TransferSettings, TransferState, transferred

__all__ = ["TransferSettings", "TransferState", "transferred"]
