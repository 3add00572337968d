"""The demo's repository: a small application, the scripts that build and push its image, and the pipeline's notebook."""

from __future__ import annotations

import subprocess
from importlib import resources
from pathlib import Path
from typing import Final

NOTEBOOK: Final = "reference-pipeline.ipynb"

_FILES: Final = {
    "app.py": 'print("hello from the demo application")\n',
    "Containerfile": 'FROM python:3.12-slim\nCOPY app.py /app.py\nCMD ["python", "/app.py"]\n',
    "build.sh": """#!/bin/sh
# Builds the image. Where there is a Docker daemon this would be `docker build`; here the image is a tar file.
set -e
mkdir -p dist
tar -cf "dist/$IMAGE_NAME.tar" app.py Containerfile
echo "built $IMAGE_NAME:$IMAGE_TAG, $(wc -c < "dist/$IMAGE_NAME.tar") bytes"
echo "image=$DOCKER_REGISTRY/$IMAGE_NAME:$IMAGE_TAG" >> "$BRIGNB_OUTPUT"
""",
    "push.py": '''"""Pushes the image to the registry, as DOCKER_USER."""

import base64
import os
import urllib.request

name, tag, registry = (os.environ[key] for key in ("IMAGE_NAME", "IMAGE_TAG", "DOCKER_REGISTRY"))
who = base64.b64encode(f"{os.environ['DOCKER_USER']}:{os.environ['DOCKER_PASS']}".encode()).decode()
with open(f"dist/{name}.tar", "rb") as image:
    request = urllib.request.Request(
        f"http://{registry}/v2/{name}/manifests/{tag}",
        data=image.read(),
        method="PUT",
        headers={"authorization": f"Basic {who}"},
    )
with urllib.request.urlopen(request) as answer:
    print(f"pushed {registry}/{name}:{tag} ({answer.status})")
''',
    "notify.py": '''"""Tells Slack."""

import json
import os
import urllib.request

body = json.dumps({"username": os.environ["SLACK_USERNAME"], "text": os.environ["SLACK_MESSAGE"]}).encode()
request = urllib.request.Request(os.environ["SLACK_WEBHOOK"], data=body, headers={"content-type": "application/json"})
with urllib.request.urlopen(request) as answer:
    print("Slack says", answer.read().decode())
''',
}


def notebook() -> bytes:
    """The reference pipeline's notebook: inside an installed package, else in the checkout's `notebooks/`."""
    packed = resources.files("brignb.demo") / NOTEBOOK
    if packed.is_file():
        return packed.read_bytes()
    return (Path(__file__).parents[2] / "notebooks" / NOTEBOOK).read_bytes()


def make(folder: Path) -> str:
    """A git repository of all that, with one commit on `master`; answers the commit."""
    folder.mkdir(parents=True)
    for name, text in _FILES.items():
        (folder / name).write_text(text)
        if text.startswith("#!"):
            (folder / name).chmod(0o755)
    (folder / "brignb.ipynb").write_bytes(notebook())
    _git(folder, "init", "--quiet", "--initial-branch", "master")
    _git(folder, "add", ".")
    who = ("-c", "user.name=demo", "-c", "user.email=demo@localhost")
    _git(folder, *who, "commit", "--quiet", "--message", "A small application and its pipeline")
    return _git(folder, "rev-parse", "HEAD").strip()


def _git(folder: Path, *args: str) -> str:
    return subprocess.run(["git", "-C", str(folder), *args], check=True, capture_output=True, text=True).stdout
