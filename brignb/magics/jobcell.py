"""`%%job NAME IMAGE`: the cell's body is the job's script.

    %%job build python:3.12-slim --env TAG --secret TOKEN --timeout 600
    cd /src && python -m build

The body is the shell's alone: nothing of Python's is put into it. Values reach it by its environment: `--env TAG` is the notebook's
variable of that name, `--env TAG=v1` a text, `--secret TOKEN` a secret of the project.
"""

from __future__ import annotations

import builtins
import keyword
import re
from collections.abc import Mapping, MutableMapping, Sequence
from typing import Any, Final

from brignb.errors import BadInput
from brignb.magics.jobs import begin
from brignb.magics.words import Word, nearest, parse
from brignb.script.grouphandle import GroupHandle
from brignb.script.handle import JobHandle
from brignb.script.job import Job
from brignb.script.project import project

NAME: Final = "%%job"
WORDS: Final = (
    Word(name="NAME", help="a DNS label; the job is bound to it, build-image to build_image", needed=True),
    Word(name="IMAGE", help="what it runs in, where there are containers"),
    Word(name="--env", value="NAME[=VALUE]", kind="variable", many=True, help="a variable of the notebook, or a text"),
    Word(name="--secret", value="NAME[=SECRET]", kind="secret", many=True, help="a secret of the project"),
    Word(name="--needs", value="JOB", kind="job", many=True, help="begin when it succeeded; find its artifacts"),
    Word(name="--artifacts", value="GLOB", many=True, help="what is kept for jobs that need this one"),
    Word(name="--timeout", value="SECONDS", take=float, help="kill it after so long"),
    Word(name="--retries", value="N", take=int, help="how often it is tried again"),
    Word(name="--retry-delay", value="SECONDS", take=float, help="before the first of them"),
    Word(name="--shell", value="PROGRAM", help="runs the body: /bin/bash, python3, …"),
    Word(name="--workdir", value="FOLDER", help="where it starts; else in the source"),
    Word(name="--service-account", value="NAME", help="of its pod"),
    Word(name="--privileged", help="it may do anything, if project and operator allow it"),
    Word(name="--no-source", help="it wants no copy of these files"),
    Word(name="--cache", help="a folder that is kept between builds"),
    Word(name="--storage", help="a folder that jobs share"),
    Word(name="--docker", help="access to a Docker daemon"),
    Word(name="--fallible", help="its failure is no failure of others"),
    Word(name="--wait", help="wait for its end; a failure is raised"),
)
_OUTPUT: Final = re.compile(r"_+[0-9]*\Z")
"""IPython's names for what cells answered: a job of an earlier cell may stand there."""
_AS_THEY_ARE: Final = ("timeout", "retries", "retry_delay", "shell", "service_account")
_FLAGS: Final = ("privileged", "cache", "storage", "docker", "fallible")


def run_cell(given: Sequence[str], body: str, variables: MutableMapping[str, Any]) -> JobHandle | GroupHandle:
    """Make the job, bind it, begin it.

    Args:
        given: The words after `%%job`.
        body: The cell's.
        variables: The notebook's; the job is bound among them.

    Raises:
        BadInput: A word is wrong, the body is empty, or the name is that of something else.
        JobDefinitionError: The job cannot be started.
        JobError: It was waited for, and did not succeed.
    """
    asked = parse(NAME, WORDS, given)
    if not body.strip():
        raise BadInput("the cell has no script", where=f"{NAME} {asked.name}", hint="write it below this line")
    needs = [_job(name, variables) for entry in asked.needs for name in entry.split(",")]
    fields: dict[str, Any] = {name: value for name in _AS_THEY_ARE if (value := getattr(asked, name)) is not None}
    fields |= {name: True for name in _FLAGS if getattr(asked, name)}
    made = Job(
        asked.name,
        asked.image,
        [body.strip("\n")],
        env={**_env(asked.env, variables), **_secrets(asked.secret)},
        artifacts=asked.artifacts,
        inputs=needs,
        use_source=not asked.no_source,
        working_directory=asked.workdir,
        **fields,
    )
    bound = identifier(made.name)
    if not isinstance(variables.get(bound), Job | None):
        raise BadInput(
            f"{bound} is a {type(variables[bound]).__name__} of this notebook", where=NAME, hint="choose another name"
        )
    variables[bound] = made
    started = begin(made, needs)
    if asked.wait:
        started.wait()
    return started


def identifier(name: str) -> str:
    """The variable that a job is bound to: `build-image` is `build_image`, `3d` is `_3d`, `import` is `import_`, `print` is `print_`."""
    plain = name.replace("-", "_")
    plain = f"_{plain}" if plain[0].isdigit() else plain
    return f"{plain}_" if keyword.iskeyword(plain) or hasattr(builtins, plain) else plain


def jobs_of(variables: Mapping[str, Any]) -> dict[str, Job]:
    """The notebook's jobs, by their names; of two with one name, the one that was bound last."""
    return {
        value.name: value
        for name, value in list(variables.items())
        if isinstance(value, Job) and not _OUTPUT.match(name)
    }


def _job(name: str, variables: Mapping[str, Any]) -> Job:
    bound = variables.get(name)
    if isinstance(bound, Job):
        return bound
    known = jobs_of(variables)
    if name in known:
        return known[name]
    hint = nearest(name, known) or (f"there are {', '.join(sorted(known))}" if known else "run its cell first")
    raise BadInput(f"there is no job {name!r:.60} in this notebook", where=f"{NAME} --needs", hint=hint)


def _env(given: Sequence[str], variables: Mapping[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for each in given:
        name, equals, value = each.partition("=")
        if not equals and name not in variables:
            names = [known for known in variables if known[0] != "_"]
            hint = nearest(name, names) or f"write --env {name}=VALUE"
            raise BadInput(f"the notebook has no variable {name!r:.60}", where=f"{NAME} --env", hint=hint)
        found[name] = value if equals else variables[name]
    return found


def _secrets(given: Sequence[str]) -> dict[str, Any]:
    pairs = [each.partition("=") for each in given]
    return {name: project.secrets[secret or name] for name, _, secret in pairs}
