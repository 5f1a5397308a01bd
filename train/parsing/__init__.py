"""Training of the parsing network (:mod:`backend.nets.parse_net`)."""
