"""What runs jobs: `process` now; `podman` and `kubernetes` come later."""
