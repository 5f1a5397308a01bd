"""The second engine: the same people, drawn by Blender's Cycles in a process of its own.

``export`` and ``render`` run where torch lives, ``worker``, ``stage`` and ``materials`` inside Blender's
Python; ``parcel`` is what both sides know of each other.
"""
