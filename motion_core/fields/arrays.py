"""NumPy array types for annotations; OpenCV's stubs return arrays of unspecified numbers."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[Any]
BoolArray = NDArray[np.bool_]
IndexArray = NDArray[np.int64]
