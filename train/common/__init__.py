"""What all training runs share: the loop, checkpoints, experiments, metrics and export."""
