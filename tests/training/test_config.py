"""Configs of training runs: refusals, and the schedules of learning rate and averaging."""

from __future__ import annotations

import pytest

from motion_core.training.config import TrainConfig, config_from, ema_decay_at, learning_rate_at


@pytest.mark.parametrize(
    ("values", "word"),
    [
        ({"stage": "both"}, "stage"),
        ({"regime": "many"}, "regime"),
        ({"optimizer": "sgd"}, "adafactor"),
        ({"frames": 1}, "2 frames"),
        ({"batch": 7}, "multiple"),
        ({"steps": 0}, "steps"),
        ({"colour": 1}, "colour"),
    ],
)
def test_values_out_of_range_are_refused(values: dict, word: str) -> None:
    with pytest.raises(ValueError, match=word):
        config_from(values)


def test_the_learning_rate_rises_stays_and_falls() -> None:
    config = TrainConfig(steps=1000, warmup=10, cooldown=0.5, lr=1.0)
    assert [learning_rate_at(config, step) for step in (0, 9, 10, 499)] == pytest.approx(
        [0.1, 1, 1, 1]
    )
    assert learning_rate_at(config, 750) == pytest.approx(0.51)
    assert learning_rate_at(config, 1000) == pytest.approx(0.02)


def test_the_average_follows_quickly_at_first() -> None:
    config = TrainConfig(ema=0.9)
    decays = [ema_decay_at(config, step) for step in (0, 8, 1000)]
    assert decays == pytest.approx([0.1, 0.5, 0.9])
