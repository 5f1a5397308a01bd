"""Synthetic portraits with exact truth: scenes from seeds, drawn by the project's own rasteriser.

``python -m train.synth --seed 0 --count 64 --preview sheet.png`` shows some.
"""
