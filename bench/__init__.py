"""Measured ratios: `python -m bench` or `make bench`.

Every module here that defines `measure() -> list[Row]` is run. A row says what was measured, what
it is held against in the same run, and the budget their ratio has to keep.
"""
