"""Measures the depth network against its ablations and baselines, and writes docs/depth.md.

``heads`` reads synthetic heads and what the depth stage is told of them, ``rows`` names what is compared,
``measure`` scores one head at a time, ``timing`` takes times, ``report`` writes the page.
"""
