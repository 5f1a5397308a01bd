"""The server: one engine, one worker thread, and a small HTTP interface, on loopback unless told otherwise.

``jobs`` queues work and keeps results, ``waiting`` says who is next, ``studio`` turns requests into work
for the engine. ``access``, ``security``, ``pace``, ``connections`` and ``limits`` decide who may speak, how
fast and how much; ``app`` is the interface (see :mod:`backend.protocol`), ``counters`` its statistics,
``process`` the process around it and ``lifetime`` its end.
"""
