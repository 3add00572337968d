"""A job prints whatever it likes: shown inert, in the live view, the static HTML and nbconvert's page."""

from __future__ import annotations

import json
import subprocess
import sys

from playwright.sync_api import expect

MARKUP = [
    "<script>window.__pwned = 1</script>",
    "<img src=x onerror='window.__pwned = 2'>",
    "<svg/onload=window.__pwned=3>",
    '</pre></details></div><iframe srcdoc="<script>parent.__pwned = 4</script>">',
    '<a href="javascript:window.__pwned = 5">click</a>',
    "</script><script>window.__pwned = 6</script>",
    "<style>body { display: none }</style>",
    "\x1b]8;;javascript:window.__pwned=7\x07link\x1b]8;;\x07",
    '\x1b[38;5;1m"><script>window.__pwned = 8</script>',
    "\x1b[38;2;1;2;url(javascript:window.__pwned=9)mx",
    "$$\\require{href}\\href{javascript:window.__pwned = 10}{math}$$",
]
HARM = [
    *MARKUP,
    "\x1b[31m.\x1b[32m." * 20_000,
    "\x1b[2J\x1b[H\x1b]0;title\x07\x1bP+q544e\x1b\\\x9b31m\x00\x07\x08\x7f",
    "\x1b[" + "1;" * 50_000 + "m",
    "\u202egnp.exe\u2066",
    "a" * 1_000_000,
    "\u4e2d" * 300_000,
    "::group::<script>window.__pwned = 11</script>",
    "inside",
    "::endgroup::",
    "progress\r" * 50_000,
]
WRITE = """
import base64, json, sys
for line in json.load(open("harm.json")):
    sys.stdout.buffer.write(line.encode() + b"\\n")
sys.stdout.buffer.write(b"invalid \\xff\\xfe\\xc3\\x28 utf-8\\n\\xed\\xa0\\x80 surrogate\\n" + bytes(range(32)) + b"\\n")
print("the end")
"""
CELL = """
from pathlib import Path
from brignb import Group, Job
name = "<script>window.__pwned=20</script>"
harm = Job("harm", name, tasks=["python3 write.py", "printf 'o=%s\\\\n' \\"$NAME\\" >> $BRIGNB_OUTPUT", "exit 3"], env={"NAME": name})
harm.run()
"""


def test_nothing_executes(server, browser, open_notebook, tmp_path) -> None:
    """The corpus: a probe that any of it would set, in all three places."""
    (server.notebooks / "harm.json").write_text(json.dumps(HARM))
    (server.notebooks / "write.py").write_text(WRITE)
    book = open_notebook(CELL, "Group.sequence(harm).run()", name="harm.ipynb")
    book.ran(0)
    view = book.live(0)
    expect(view.get_by_role("status").first).to_contain_text("failed")
    log = view.get_by_role("log")
    expect(log).to_contain_text("the end")
    expect(log).to_contain_text("invalid \ufffd\ufffd\ufffd( utf-8")
    log.evaluate("log => log.scrollTop = 0")
    for line in MARKUP[:4]:
        expect(log).to_contain_text(line)
    expect(log).to_contain_text("rest in the download")
    assert view.locator("script, img, svg, iframe, a, style").count() == 0
    probe = "() => window.__pwned ?? null"
    assert book.page.evaluate(probe) is None
    for each in log.get_by_role("button").all():
        each.click()
    view.get_by_role("searchbox").fill("<script>")
    view.get_by_role("searchbox").press("Enter")
    book.ran(1)
    expect(book.live(1).get_by_role("region", name="job harm")).to_contain_text("the end")
    assert book.page.evaluate(probe) is None
    assert "\u202e" not in view.inner_text()
    book.save()
    book.menu("Kernel", "Restart Kernel…")
    book.page.get_by_role("button", name="Confirm Kernel Restart").click()
    static = book.cell(0).locator(".brignb-view > details")
    expect(static).to_contain_text("the end")
    assert book.page.evaluate(probe) is None
    assert static.locator("script, img, svg, iframe, a, style").count() == 0
    argv = [sys.executable, "-m", "nbconvert", "--to", "html", "--output-dir", str(tmp_path)]
    subprocess.run([*argv, str(server.notebooks / "harm.ipynb")], check=True, capture_output=True)
    page = browser.new_page()
    page.goto((tmp_path / "harm.html").as_uri())
    expect(page.locator(".brignb-view").first).to_contain_text("the end")
    assert page.evaluate(probe) is None
    assert page.locator(".brignb-view").locator("script, img, svg, iframe, a, style").count() == 0
    page.close()
