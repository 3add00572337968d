"""Whether the attempt that a token speaks of is the one that runs, and what is answered when it is not."""

from __future__ import annotations

from brignb.errors import Conflict
from brignb.model.builds import Build, State
from brignb.model.tokens import BuildClaim


def is_of(build: Build, claim: BuildClaim) -> bool:
    """Whether a build's attempt now is the token's, running or ended."""
    return (build.id, build.attempt) == (claim.build_id, claim.attempt)


def runs(build: Build | None, claim: BuildClaim) -> bool:
    """Whether that attempt runs."""
    return build is not None and is_of(build, claim) and build.state is State.RUNNING


def over(claim: BuildClaim) -> Conflict:
    """What a worker is told that has no business with the build any more."""
    hint = "it has ended, its worker was not heard of for too long, or another one has it"
    return Conflict("this attempt of the build is over", where=f"build {claim.build_id}", hint=hint)
