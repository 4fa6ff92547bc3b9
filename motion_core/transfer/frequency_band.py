"""A band of vibration frequencies, extracted without delay."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..tracks.arguments import positive_number, whole_number

# Below 1e-8 of the frame rate the filter's equations become singular; a clip that held one cycle
# of this would have a million frames.
LEAST_OF_FPS = 1e-6


@dataclass(frozen=True)
class FrequencyBand:
    """The frequencies that pass.

    The filter runs forwards and backwards, so it is twice as steep as its order says and has no
    delay. At a cut-off the amplitude is halved.

    Attributes:
        low_hz: Lower cut-off in Hz; None for none.
        high_hz: Upper cut-off in Hz; None for none.
        order: Order of the Butterworth filter.

    Raises:
        TypeError: A cut-off is not a number.
        ValueError: Not 0 < low_hz < high_hz.
    """

    low_hz: float | None = None
    high_hz: float | None = None
    order: int = 2

    def __post_init__(self) -> None:
        for name in ("low_hz", "high_hz"):
            if getattr(self, name) is not None:
                positive_number(name, getattr(self, name))
        whole_number("order", self.order, least=1, most=8)
        if self.low_hz is not None and self.high_hz is not None and self.low_hz >= self.high_hz:
            raise ValueError(
                f"low_hz must be below high_hz; got {self.low_hz:g} and {self.high_hz:g}."
            )

    @property
    def is_open(self) -> bool:
        """Whether every frequency passes."""
        return self.low_hz is None and self.high_hz is None

    def filtered(self, signal: np.ndarray, fps: float | None) -> np.ndarray:
        """Extract the band from signals.

        Args:
            signal: (T, K), one signal per column.
            fps: Samples per second, or None when unknown.

        Returns:
            (T, K) float64, in phase with the signals.

        Raises:
            ValueError: fps is unknown, or a cut-off is at half of it or above, or below a
                millionth of it.
        """
        if self.is_open:
            return signal
        cuts, kind = self._cuts(fps)
        if len(signal) < 2:
            return np.zeros_like(signal)
        from scipy.signal import butter, sosfiltfilt

        sections = np.asarray(butter(self.order, cuts, btype=kind, fs=fps, output="sos"))
        # SciPy's own padding, where the clip is long enough for it.
        padding = min(3 * (2 * len(sections) + 1), len(signal) - 1)
        return sosfiltfilt(sections, signal, axis=0, padlen=padding)

    def _cuts(self, fps: float | None) -> tuple[list[float] | float, str]:
        if fps is None:
            raise ValueError(
                "a band in Hz needs the frame rate, but these tracks do not know theirs; set fps "
                "(Load Tracks and Track Video have it), or leave both cut-offs at 0."
            )
        for name, cut in (("low_hz", self.low_hz), ("high_hz", self.high_hz)):
            if cut is not None and cut >= fps / 2:
                raise ValueError(
                    f"{name} must be below half the frame rate, {fps / 2:g} Hz at {fps:g} fps; "
                    f"got {cut:g}. Faster vibrations are not in this video."
                )
            if cut is not None and cut < LEAST_OF_FPS * fps:
                raise ValueError(
                    f"{name} must be at least {LEAST_OF_FPS * fps:g} Hz at {fps:g} fps; "
                    f"got {cut:g}. Set it to 0 for no cut-off."
                )
        if self.low_hz is not None and self.high_hz is not None:
            return [self.low_hz, self.high_hz], "bandpass"
        if self.low_hz is not None:
            return self.low_hz, "highpass"
        assert self.high_hz is not None
        return self.high_hz, "lowpass"
