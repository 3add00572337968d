"""A server's builds in the tiers that run on kernels, forked from its zygote."""

from __future__ import annotations

import json
from typing import Any

import pytest

pytestmark = pytest.mark.slow

WIDGETS = (
    "from brignb import Job, events\nimport ipywidgets\nslider = ipywidgets.IntSlider(value=4)\nslider",
    """@events.on('push')
async def push(event, project):
    slider.value = 6
    import os
    print(os.getcwd(), sorted(os.listdir()), project.name)
    job = await Job('hello', tasks=['echo said $CANARY'], env={'CANARY': project.secrets['CANARY']}).run()""",
)


def test_a_notebook_with_widgets_runs_on_a_forked_kernel(
    server: Any, repository: Any, project: str, pipeline: Any
) -> None:
    """In the build's own walls: its checkout is its working directory, its jobs are the server's, no secret is in the record."""
    build, log = server.run(project, repository.commit(pipeline.notebook(*WIDGETS)))
    assert build["state"] == "succeeded", log
    assert build["worker"]["tier"] == "kernel"
    assert "cell 1 uses ipywidgets, which needs a live kernel" in log
    assert f"worker | /src ['.git', 'brignb.ipynb'] {project}" in log
    assert [(job["name"], job["state"]) for job in build["jobs"]] == [("hello", "succeeded")]
    record = server.record(build["id"])
    state = record["metadata"]["widgets"]["application/vnd.jupyter.widget-state+json"]["state"]
    assert 6 in [model["state"].get("value") for model in state.values()]
    assert pipeline.canary not in json.dumps(record) + log


def test_a_kernel_that_is_killed_ends_the_build_as_failed(
    server: Any, repository: Any, project: str, pipeline: Any
) -> None:
    """The worker lives on and tells; nothing is lost or tried again."""
    cells = pipeline.notebook("print('here')", "import os\nos.kill(os.getpid(), 9)", "3", brignb={"tier": "kernel"})
    build, log = server.run(project, repository.commit(cells))
    assert (build["state"], build["reason"]) == ("failed", "kernel_died"), log
    statuses = [
        cell["metadata"]["brignb"]["status"]
        for cell in server.record(build["id"])["cells"]
        if cell["cell_type"] == "code"
    ]
    assert statuses == ["completed", "killed", "never-run"]


def test_a_stock_kernel_runs_where_it_is_asked_for(server: Any, repository: Any, project: str, pipeline: Any) -> None:
    cells = pipeline.notebook("import os, sys\nprint(os.getcwd(), 'brignb' in sys.modules)", brignb={"tier": "cold"})
    build, log = server.run(project, repository.commit(cells))
    assert build["state"] == "succeeded", log
    assert build["worker"]["tier"] == "cold"
    assert "worker | /src True" in log
