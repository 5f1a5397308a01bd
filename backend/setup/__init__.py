"""Makes the private environment in which the backend runs, and takes it away again.

Needs nothing but the standard library, so that Blender's own Python can run it. The add-on starts it as a
process (``python -m backend setup``) and knows of it only :mod:`.state` and :mod:`.report`.

``machine`` (what this computer has) and ``interpreters`` (which Python may carry it) → ``plan`` (which of
``locks/``, from where) → ``steps`` (download, install, verify, switch over), with ``tools`` (uv or pip) in
``children`` that never outlive us, told through ``report`` → ``state`` (what the disk says).
``removal`` takes it all away.
"""
