"""Event types: which ones a gateway gives, and the nearest to one that none gives.

    "pul_request" ──▶ known? no ──▶ nearest ──▶ "pull_request"

GitHub's events and their actions are those of npm `@octokit/webhooks` 14.2.0 (`webhook-names`), with its three kinds of projects
besides. A type is a name and, where there is one, an action: `pull_request:opened`. GitHub adds actions as it likes, so that an
unknown one is a guess, never a certainty; nothing at run time asks this table.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import Final

_GITHUB: Final = """
branch_protection_configuration: disabled enabled
branch_protection_rule: created deleted edited
check_run: completed created requested_action rerequested
check_suite: completed requested rerequested
code_scanning_alert: appeared_in_branch closed_by_user created fixed reopened reopened_by_user
commit_comment: created
create:
custom_property: created deleted promote_to_enterprise updated
custom_property_values: updated
delete:
dependabot_alert: auto_dismissed auto_reopened created dismissed fixed reintroduced reopened
deploy_key: created deleted
deployment: created
deployment_protection_rule: requested
deployment_review: approved rejected requested
deployment_status: created
discussion: answered category_changed closed created deleted edited labeled locked pinned reopened transferred
    unanswered unlabeled unlocked unpinned
discussion_comment: created deleted edited
fork:
github_app_authorization: revoked
gollum:
installation: created deleted new_permissions_accepted suspend unsuspend
installation_repositories: added removed
installation_target: renamed
issue_comment: created deleted edited
issue_dependencies: blocked_by_added blocked_by_removed blocking_added blocking_removed
issues: assigned closed deleted demilestoned edited labeled locked milestoned opened pinned reopened transferred
    typed unassigned unlabeled unlocked unpinned untyped
label: created deleted edited
marketplace_purchase: cancelled changed pending_change pending_change_cancelled purchased
member: added edited removed
membership: added removed
merge_group: checks_requested destroyed
meta: deleted
milestone: closed created deleted edited opened
org_block: blocked unblocked
organization: deleted member_added member_invited member_removed renamed
package: published updated
page_build:
personal_access_token_request: approved cancelled created denied
project: closed created deleted edited reopened
project_card: converted created deleted edited moved
project_column: created deleted edited moved
projects_v2: closed created deleted edited reopened
projects_v2_item: archived converted created deleted edited reordered restored
projects_v2_status_update: created deleted edited
public:
pull_request: assigned auto_merge_disabled auto_merge_enabled closed converted_to_draft demilestoned dequeued edited
    enqueued labeled locked milestoned opened ready_for_review reopened review_request_removed review_requested
    synchronize unassigned unlabeled unlocked
pull_request_review: dismissed edited submitted
pull_request_review_comment: created deleted edited
pull_request_review_thread: resolved unresolved
push:
registry_package: published updated
release: created deleted edited prereleased published released unpublished
repository: archived created deleted edited privatized publicized renamed transferred unarchived
repository_advisory: published reported
repository_dispatch:
repository_import:
repository_ruleset: created deleted edited
repository_vulnerability_alert: create dismiss reopen resolve
secret_scanning_alert: assigned created publicly_leaked reopened resolved unassigned validated
secret_scanning_alert_location: created
secret_scanning_scan: completed
security_advisory: published updated withdrawn
security_and_analysis:
sponsorship: cancelled created edited pending_cancellation pending_tier_change tier_changed
star: created deleted
status:
sub_issues: parent_issue_added parent_issue_removed sub_issue_added sub_issue_removed
team: added_to_repository created deleted edited removed_from_repository
team_add:
watch: started
workflow_dispatch:
workflow_job: completed in_progress queued waiting
workflow_run: completed in_progress requested
"""


def _table(text: str) -> dict[str, frozenset[str]]:
    joined = text.replace("\n    ", " ")
    rows = (line.partition(":") for line in joined.strip().splitlines())
    return {name: frozenset(actions.split()) for name, _, actions in rows}


GITHUB: Final = _table(_GITHUB)
"""Actions by event; empty: it has none."""
OTHERS: Final = frozenset({"*", "image_push", "simpleevent", "exec", "after", "error"})
"""Of the registry gateway, of simple events, of `brignb run`, of a build's end; and any."""
_FREE_ACTIONS: Final = frozenset({"repository_dispatch"})
"""GitHub's events whose actions people choose."""


def is_known(event_type: str) -> bool:
    """Whether some gateway gives events of this type.

    A type with a dot or a slash is a CloudEvent's, which its senders choose (the specification asks for a reverse DNS name).
    """
    name, colon, action = event_type.partition(":")
    if event_type in OTHERS or "." in event_type or "/" in event_type:
        return True
    actions = GITHUB.get(name)
    return actions is not None and (not colon or name in _FREE_ACTIONS or action in actions)


def nearest(event_type: str, more: Iterable[str] = ()) -> str | None:
    """The known type that looks most like this one; None when none does.

    Args:
        event_type: Which is not known.
        more: Types that are known besides, such as those that a notebook emits.
    """
    name, _, action = event_type.partition(":")
    names = sorted({*GITHUB, *OTHERS, *more})
    if found := _by_action(name):
        return found
    near = [name] if name in GITHUB else difflib.get_close_matches(name.lower(), names, n=1, cutoff=0.7)
    if not near:
        return None
    if not action:
        return near[0]
    actions = difflib.get_close_matches(action.lower(), sorted(GITHUB.get(near[0], ())), n=1)
    return f"{near[0]}:{actions[0]}" if actions else near[0] if near[0] != name else None


def _by_action(word: str) -> str | None:
    """`pull_request_opened` and `pull_request.opened` are written by who forgot the colon."""
    for name in sorted(GITHUB, key=len, reverse=True):
        action = word.removeprefix(name)[1:]
        if word.startswith(name) and action in GITHUB[name]:
            return f"{name}:{action}"
    return None
