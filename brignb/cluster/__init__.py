"""The way to a Kubernetes cluster: who asks, requests in plain JSON, and list+watch.

    kubeconfig, or a pod's own account ──▶ Connection ──▶ ask, open, socket
                                               └──▶ Watch ──▶ listed, changed

The `kubernetes` client reads kubeconfigs and credentials; everything else here is plain requests. It is an extra, imported when it is
first needed.
"""
