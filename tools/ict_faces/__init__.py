"""Draws people of the ICT-FaceKit model with exact answers: test faces that no training has seen.

``person`` draws numbers from a seed, ``figure`` makes the mesh, ``paint`` and ``strokes`` its colours,
``lamps`` the light, ``picture`` the photo with its answers, ``backdrop`` what lies behind and the film,
``dataset`` the folder. Nothing here is shared with the generator that draws training data, so that a
habit of one is no hint for the other.
"""
