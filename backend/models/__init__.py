"""Morphable models from files that the user owns: BFM 2009, ICT-FaceKit, FLAME. None of them ships."""
