"""A server in a process of its own, and a notebook, for the benches."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx
import psutil

ROOT = Path(__file__).parents[2]
BRIGNB = [sys.executable, "-m", "brignb"]
NOTEBOOK = {
    "cells": [
        {"cell_type": "code", "id": "a", "metadata": {"tags": ["parameters"]}, "source": "x: int = 1"},
        {"cell_type": "code", "id": "b", "metadata": {}, "source": "import time; print('at', time.monotonic_ns())"},
        {"cell_type": "code", "id": "c", "metadata": {}, "source": "x + 1"},
    ],
    "metadata": {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}},
    "nbformat": 4,
    "nbformat_minor": 5,
}
for cell in NOTEBOOK["cells"]:
    cell |= {"outputs": [], "execution_count": None}


def line(what: str, ours: str, peer: str, ratio: str) -> None:
    print(f"{what:58} {ours:>22} {peer:>26} {ratio:>10}", flush=True)


class Server:
    def __init__(self, home: Path, *args: str, project: bool = True) -> None:
        self.process = subprocess.Popen(
            [*BRIGNB, "serve", "--home", str(home), "--port", "0", *args],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        url = self.process.stdout.readline().split()[-1]
        token = (home / "token").read_text().strip()
        self.http = httpx.Client(base_url=url, headers={"authorization": f"Bearer {token}"}, timeout=120)
        self.home = home
        if project:
            self.create("bench/bench", NOTEBOOK)

    def create(self, name: str, notebook: dict[str, Any], **facts: str) -> None:
        """Register a project, or give it another notebook."""
        project = {
            "project": name,
            "defaultNotebook": json.dumps(notebook),
            "sharedSecret": "bench-secret-0001",
            **facts,
        }
        if self.http.post("/api/projects", content=json.dumps(project)).status_code == 409:
            self.http.delete(f"/api/projects/{name}").raise_for_status()
            self.http.post("/api/projects", content=json.dumps(project)).raise_for_status()

    def waiting(self) -> bool:
        """Whether a build has not ended."""
        states = (self.http.get("/api/builds", params={"state": s, "limit": 1}).json() for s in ("pending", "running"))
        return any(page["items"] for page in states)

    def memory(self) -> float:
        return psutil.Process(self.process.pid).memory_info().rss / 1e6

    def stop(self) -> None:
        self.http.close()
        self.process.send_signal(signal.SIGTERM)
        self.process.wait()
        self.process.stdout.close()


def first_line_of(record: dict) -> int:
    text = "".join("".join(o.get("text", "")) for cell in record["cells"] for o in cell.get("outputs", []))
    return int(text.split("at ")[1].split()[0])
