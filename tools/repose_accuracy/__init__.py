"""Measures *Render New Pose* on portraits, with and without the network, and writes docs/repose.md.

``rows`` names what finishes stills, ``measure`` looks at one portrait at a time, ``holes`` scores what was
filled in, ``sheet`` lays stills out, ``timing`` takes times, ``report`` writes the page.
"""
