"""Values: what an event, a project, a build, a job and a log line are.

Nothing here reads a clock, a file, an environment variable or the network: times and random bytes are arguments. Every
value is immutable and can be written as JSON, so that each seam above can also be spoken over HTTP.
"""
