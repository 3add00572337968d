#!/bin/sh
# The original's name and flags. First, unseen by the job, a daemon is given the base image that the original would pull from Docker Hub.
set -eu
set -- --storage-driver vfs --bridge none --iptables=false --default-ulimit nofile=1024:1024 "$@"

export DOCKER_HOST=unix:///run/loading.sock
dockerd --host "$DOCKER_HOST" --pidfile /run/loading.pid "$@" &
loading=$!
until docker info >/dev/null 2>&1; do
    kill -0 "$loading" || exit 1
    sleep 0.1
done
tar --create --directory / etc/debian_version | docker import - python:3.12-slim
kill "$loading"
wait "$loading" || true
unset DOCKER_HOST

exec dockerd "$@"
