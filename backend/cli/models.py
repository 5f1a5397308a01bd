"""``likeness models``: which morphable models there are, whose they are, and which this user has."""

from __future__ import annotations

import argparse
from dataclasses import asdict

from ..models.registry import ModelEntry, entries, install, models_folder
from .console import print_json


def run(options: argparse.Namespace) -> int:
    """List all models, or add the user's own copy of one."""
    if options.add is not None:
        added = install(options.add)
        if options.json:
            print_json(asdict(added))
        else:
            print(f"Added. Use it with: likeness import PHOTO -o DIR --model {added.key}\n\n{_words(added)}")
        return 0
    found = entries()
    if options.json:
        print_json({"folder": str(models_folder()), "models": [asdict(entry) for entry in found]})
    else:
        print("\n\n".join(map(_words, found)))
        print(f"\nYour own models are kept in {models_folder()}")
    return 0


def _words(entry: ModelEntry) -> str:
    """A few lines about one model."""
    allowed = "allowed" if entry.commercial_use else "NOT allowed"
    lines = [
        f"{entry.key:9} {entry.name}",
        f"          licence: {entry.licence}",
        f"          commercial use: {allowed}",
    ]
    if entry.installed:
        size = f"{entry.vertices:,} vertices, {entry.identities} identity and {entry.expressions} expression"
        return "\n".join([*lines, f"          {size} components"])
    missing = entry.problem or "not installed; add it with: likeness models --add PATH"
    return "\n".join([*lines, f"          {missing}", f"          get it: {entry.source}"])
