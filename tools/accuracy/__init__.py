"""Measures everything that docs/accuracy.md claims, and writes that page.

``rows`` names what is compared, ``floor`` fits heads to the truth itself, ``measure`` scores one picture at a
time, ``cache`` remembers what has not changed, ``timing`` takes times, ``report`` writes the page.
"""
