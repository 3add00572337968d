"""Git's own words: which to show, and what they mean.

Git's messages are stable in the C locale but are no interface: they tell a commit that is not there from a server that is not, and
choose a better hint. A message that is not known is shown as it is.
"""

from __future__ import annotations

import re
from typing import Final

from brignb.errors import SourceError
from brignb.model.projects import Project
from brignb.model.redaction import Redactor

SHOWN: Final = 4
"""Lines of git's last words."""

_PROGRESS = re.compile(
    r"(?:remote: )?(?:Enumerating|Counting|Compressing|Receiving|Resolving|Unpacking|Updating|Finding|Total)\b.*"
    r"|(?:Initialized|Cloning into|From|To|hint:|warning: Permanently added).*|.* -> .*|\s*"
)
_PLAIN = re.compile(r"(?:fatal|error|remote|ssh|no answer)\b|.*(?:Permission denied|verification failed)")
_USERINFO = re.compile(r"(?<=://)[^/@\s']*@")
_DENIED = re.compile(
    r"Authentication failed|could not read (?:Username|Password)|Permission denied|terminal prompts|error: 40[13]|HTTP Basic"
)
_ABSENT = re.compile(r"couldn't find remote ref|not our ref|unadvertised object|no such remote ref")


def last_words(stderr: str) -> str:
    """What git said at last, without its progress and advice, and without anything before an `@` in a URL."""
    lines = [line.strip() for line in re.split(r"[\r\n]+", stderr) if not _PROGRESS.fullmatch(line)]
    plain = [line for line in lines if _PLAIN.match(line)] or lines
    return _USERINFO.sub("", "\n".join(plain[-SHOWN:]))


def tells_of_absence(words: str) -> bool:
    """Whether the remote answered, and has not what was asked for."""
    return bool(_ABSENT.search(words))


def unreachable(project: Project, words: str) -> SourceError:
    """The repository cannot be had, in git's own words without secrets."""
    hint = "check the project's `cloneURL`, and that this machine reaches it"
    if _DENIED.search(words):
        hint = "check the project's `github: {token: …}` or `sshKey`, and what they may read"
    return _error("repository_unreachable", "the repository cannot be fetched", project, words, hint)


def failed_submodules(project: Project, words: str) -> SourceError:
    """A submodule cannot be had."""
    hint = "submodules are fetched with the project's own credentials, over https, ssh or git; a token goes to its own site only"
    return _error("submodules_failed", "a submodule cannot be fetched", project, words, hint)


def _error(reason: str, what: str, project: Project, words: str, hint: str) -> SourceError:
    said = Redactor(project.secret_values())(words)
    return SourceError(
        reason, f"{what}: {said or 'git said nothing'}", where=project.clone_url or project.name, hint=hint
    )
