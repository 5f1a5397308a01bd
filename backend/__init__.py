"""Likeness backend: one portrait photo in, a textured head out (Xu et al., CVPR 2020)."""

__version__ = "0.1.0"
