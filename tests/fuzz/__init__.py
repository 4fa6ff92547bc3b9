"""The project's fuzzer: damaged and hostile inputs for everything that reads, and for writers.

`target.py` says what a target is, `judge.py` what an input may do, `mutations.py` and the modules
beside it how inputs are made, and each `*_targets.py` lists targets. `test_fuzz.py` runs a fixed
part of it in the suite; `make fuzz MINUTES=60` runs it for longer. Inputs that once failed lie in
`seeds/` and are run by the suite.
"""
