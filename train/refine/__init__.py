"""The refinement network: from portraits and what a turn of the head hides of them to weights."""
