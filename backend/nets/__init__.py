"""The networks of Likeness: plain torch modules, trained by ``train/`` and run by the stages of the path."""
