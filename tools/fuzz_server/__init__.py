"""Strange requests for the server, from a seed: what they do to it is counted, not guessed.

``requests`` makes them up, ``server`` runs the real server process with a small engine in the place of
the networks, ``campaign`` sends and judges. ``python -m tools.fuzz_server --requests 10000``.

Own code instead of schemathesis: that needs an OpenAPI schema, which the server does not publish, and
speaks valid HTTP only.
"""
