"""Numbers that Python and JavaScript share. A module here that defines ``golden_cases()`` owns the
JSON files it returns; ``python -m tests.golden.write`` writes them all."""
