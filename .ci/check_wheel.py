"""Fails when the wheel lacks a file that an installed brignb reads."""

import sys
import zipfile

NEEDED = (
    "brignb/py.typed",
    "brignb/demo/reference-pipeline.ipynb",
    "brignb/kernels/spec/kernel.json",
    "brignb/kernels/spec/logo-svg.svg",
    "brignb/store/migrations/env.py",
    "brignb/testing/recorded/github.json.gz",
    "brignb/testing/recorded/LICENSE.octokit",
    "brignb/testing/recorded/registries.json",
    "brignb/widgets/esm/hub.js",
)

names = set(zipfile.ZipFile(sys.argv[1]).namelist())
missing = [name for name in NEEDED if name not in names]
if missing:
    sys.exit(f"the wheel lacks {', '.join(missing)}")
print(f"{sys.argv[1].rsplit('/', 1)[-1]}: {len(names)} files, all that is needed is there")
