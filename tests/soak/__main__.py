"""`make soak`: what `docs/reliability.md` reports, as Markdown; an exit code other than 0 when a promise was not kept.

python -m tests.soak [builds] [seed]
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from tests.soak.running import Run, soak

BUILDS, SEED = 200, 7


def main(builds: int = BUILDS, seed: int = SEED) -> int:
    """Both kinds of workers, one after the other."""
    runs: list[Run] = []
    for kind, away in (("of the controller's machine", 0), ("away (`brignb worker`)", 2)):
        folder = Path(tempfile.mkdtemp(prefix="brignb-soak-"))
        print(f"workers {kind}: logs in {folder}", file=sys.stderr, flush=True)
        runs.append(soak(folder, kind, away=away, builds=builds, seed=seed))
    print(f"seed {seed}, {builds} builds each\n")
    print("| | " + " | ".join(f"workers {run.kind}" for run in runs) + " |")
    print("|---|" + "---|" * len(runs))
    for row in runs[0].facts:
        print(f"| {row} | " + " | ".join(str(run.facts[row]) for run in runs) + " |")
    broken = [f"{run.kind}: {one}" for run in runs for one in run.broken]
    for one in broken:
        print(f"BROKEN: {one}")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main(*map(int, sys.argv[1:])))
