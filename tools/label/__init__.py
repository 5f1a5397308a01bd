"""Labels portraits by hand for the test set of the parsing network: proposal, corrections, look, repeat.

``python -m tools.label --photos DIR --work DIR propose|show|apply|score ID…`` (see ``__main__``).
"""
