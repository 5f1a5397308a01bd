"""The local server: one engine, one worker thread, and a small HTTP interface on loopback.

``jobs`` queues work and keeps results, ``studio`` turns requests into work for the engine,
``security`` decides who may speak, ``app`` is the interface (see :mod:`backend.protocol`), and
``process`` is the life of the process around it.
"""
