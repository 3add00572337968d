"""Jobs and groups in a notebook's cells: static HTML everywhere, alive while the kernel is.

    Job, Group ──▶ StaticView: HTML under the cell, updated in place
                       └── LiveView ──▶ Feed ──▶ Switchboard ──▶ Hub, the one widget ──▶ esm/*.js

`static` needs IPython alone; `hub` needs anywidget, which is imported with the first display in a kernel. What must never happen: a
job that waits for its view; a log line that is lost on its way to it; markup or script that a job brought along.
"""
