"""A job as a pod, in JupyterLab, on a real cluster, with nothing but a kubeconfig: its life under the cell, its line, its exit code."""

from __future__ import annotations

import re

import kube
import pytest
from playwright.sync_api import expect

CHOOSE = """
import os
os.environ["BRIGNB_KUBERNETES_NAMESPACE"] = {namespace!r}
from brignb import Job, project
project.executor = "kubernetes"
"""
HELLO = 'Job("hello", {image!r}, use_source=False, tasks=["echo hi", "sleep 2"]).run()'
MISSING = 'Job("missing", "localhost/no-such-image:1", use_source=False, tasks=["true"], fallible=True).run()'

pytestmark = pytest.mark.cluster


@pytest.fixture(scope="module")
def namespace():
    with kube.namespace() as name:
        yield name


def test_a_pods_life_is_shown_under_the_cell(open_notebook, picture, namespace) -> None:
    """Scheduled, running, the line while it runs, the exit code; and what keeps a pod that cannot start, in the cluster's words."""
    book = open_notebook(CHOOSE.format(namespace=namespace), HELLO.format(image=kube.IMAGE), MISSING)
    book.ran(0)
    book.run(1)
    view = book.live(1)
    log = view.get_by_role("log")
    expect(view.get_by_role("status").first).to_contain_text("running")
    for text in ("scheduled on ", "started", "hi"):
        expect(log).to_contain_text(text)
    picture(book.cell(1), "job-as-a-pod")
    expect(view.get_by_role("status").first).to_contain_text("succeeded")
    expect(view).to_contain_text("exit code 0")
    book.run(2)
    expect(book.live(2).get_by_role("log")).to_contain_text(re.compile("Failed to pull image.*no-such-image"))
