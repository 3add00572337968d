"""How large the product's images are above their base: what a node pulls for the first build, and again at each new version."""

from __future__ import annotations

import images
import kube
import pytest


@pytest.mark.parametrize(("target", "most"), [("worker", 200e6), ("server", 350e6)])
def test_images_stay_small(target, most, record_property):
    """The issue's bounds, without the user's packages."""
    kube.need()
    if images.program() is None:
        pytest.skip("there is no program that makes images: see tests/images.py")
    size = images.above_base(images.ours(target))
    record_property("bytes", size)
    print(f"{target}: {size / 1e6:.0f} MB above the base")
    assert size <= most
