"""The depth network: pairs of views, losses of section 4.2, training, export."""
