"""Workers as pods.

    build ──claim──▶ starting ──manifest──▶ making ──▶ Secret, pod ──sight──▶ seen ──▶ ending
    project ──pool (pure)──▶ warming ──▶ the same, waiting for builds

`tending.WorkerPods` is what the leader runs; `rights.RIGHTS` is what it needs to be allowed.
"""
