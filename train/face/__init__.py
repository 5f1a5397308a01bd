"""Training of the face network (:mod:`backend.nets.face_net`)."""
