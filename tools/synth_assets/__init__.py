"""Steps of ``tools/build_synth_assets.py``."""
