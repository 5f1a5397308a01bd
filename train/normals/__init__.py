"""Trains the normal network (:mod:`backend.nets.normal_net`) on faces whose surface is known."""
