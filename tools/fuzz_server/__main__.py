"""``python -m tools.fuzz_server --requests 10000 [--seed N]``: exit code 1 if something was found."""

from __future__ import annotations

import argparse
import json
import sys
import time

from .campaign import MAX_GROWTH_MB, run
from .server import running


def main() -> int:
    """One campaign; its findings as JSON on standard output."""
    parser = argparse.ArgumentParser(prog="fuzz_server", description=__doc__)
    parser.add_argument("--requests", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    begun = time.monotonic()
    with running() as victim:
        findings = run(victim, options.seed, options.requests, lambda line: print(line, file=sys.stderr))
    print(
        json.dumps(
            {
                "requests": options.requests,
                "seed": options.seed,
                "statuses": dict(sorted(findings.statuses.items())),
                "faults": findings.faults,
                "memory_mb": findings.memory_mb,
                "growth_mb": round(findings.growth_mb, 1),
                "seconds": round(time.monotonic() - begun),
            },
            indent=1,
        )
    )
    return 1 if findings.faults or findings.growth_mb > MAX_GROWTH_MB else 0


if __name__ == "__main__":
    sys.exit(main())
