"""``likeness doctor``: what works here and what is missing."""

from __future__ import annotations

import argparse

from ..doctor import diagnose
from .console import libraries_silenced, print_json

SIGNS = {True: "ok     ", False: "MISSING"}


def run(options: argparse.Namespace) -> int:
    """Print all findings; 1 if something that is needed is missing."""
    with libraries_silenced():
        findings = diagnose()
    healthy = all(finding.ok for finding in findings if finding.needed)
    if options.json:
        print_json({"ok": healthy, "findings": [vars(finding) for finding in findings]})
    else:
        for finding in findings:
            sign = SIGNS[finding.ok] if finding.needed or finding.ok else "optional"
            print(f"{sign:8} {finding.name}: {finding.detail}")
            if finding.remedy:
                print(f"         {finding.remedy}")
    return 0 if healthy else 1
