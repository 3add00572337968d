"""The Kubernetes executor: jobs as pods.

    JobSpec ──asking──▶ refusals, reports
            ──secret, pod, claims──▶ manifests (pure) ──connection──▶ API server
    pods, events ──watching, hub──▶ stages, fate (pure) ──┐
    stdout ──attaching, following──▶ lines, framing ──────┴──▶ running ──▶ lines and status of the seam

Everything below is asynchronous and lives on the job loop. `connection` is the only file that knows the `kubernetes` client, which is
an extra and is imported when a cluster is asked for. `rights` lists every verb that is used.
"""
