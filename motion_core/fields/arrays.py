"""Names for NumPy arrays in annotations.

They say what the type checker cannot: OpenCV promises no more than "some numbers".
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[Any]
BoolArray = NDArray[np.bool_]
IndexArray = NDArray[np.int64]
