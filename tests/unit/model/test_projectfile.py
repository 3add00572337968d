"""Project files: what is taken, what is warned about, what is refused, and that no message shows a secret."""

from __future__ import annotations

import contextlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brignb.engine.seam import Plan
from brignb.errors import ProjectFileError
from brignb.model.projectfile import KEYS, SIZE_MAX, read
from brignb.model.projectlimits import quantity
from brignb.model.projects import Limits, OutputLimits, Policy

CANARY = "c4n4ry-never-shown"
PEM = "-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\nBBBB\n-----END OPENSSH PRIVATE KEY-----\n"
MINIMAL = "project: owner/repo\ncloneURL: https://example.com/repo.git\n"
NOTEBOOK = '{"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}'

# The seed of the reference pipeline, as its chart takes it: a flow mapping that ends without a comma, quoted keys and all.
SEED = """\
cloneURL: "https://github.com/example/brigadedemo.git"
namespace: "default"
project: "example/brigadedemo"
repository: "github.com/example/brigadedemo"
sharedSecret: "not-a-real-shared-secret-0001"
secrets: {
  DOCKER_USER: "demoacr",
  DOCKER_PASS: "not-a-real-password",
  DOCKER_REGISTRY: "demoacr.azurecr.io",
  SLACK_WEBHOOK: "https://hooks.example.com/services/T000/B000/not-a-real-hook"
}
"""

# Every key of Brigade v1's chart (charts/brigade-project/values.yaml in brigadecore/charts) and of v1's project Secret.
V1 = """\
project: "brigadecore/empty-testbed"
repository: "github.com/brigadecore/empty-testbed"
cloneURL: "https://github.com/brigadecore/empty-testbed.git"
initGitSubmodules: "true"
sharedSecret: "IBrakeForSeaBeasts"
genericGatewaySecret: "mygenericsecret"
github:
  token: "github oauth token"
  baseURL: "https://ghe.example.com/api/v3"
  uploadURL: "https://ghe.example.com/api/uploads"
secrets:
  username: hello world
namespace: "builds"
vcsSidecar: "brigadecore/git-sidecar:latest"
vcsSidecarResources:
  limits: {cpu: "100m", memory: "100Mi"}
  requests: {cpu: 1, memory: "100Mi"}
imagePullSecrets: foo, bar
serviceAccount: builder
buildStorageSize: "50Mi"
allowPrivilegedJobs: "false"
allowHostMounts: "true"
kubernetes:
  cacheStorageClass: default
  buildStorageClass: shared
  allowSecretKeyRef: true
worker:
  registry: brigadecore
  name: brigade-worker
  tag: 1.5
  pullPolicy: IfNotPresent
"""


def refused(content: str | bytes, **kwargs) -> str:
    with pytest.raises(ProjectFileError) as caught:
        read(content, **kwargs)
    return str(caught.value)


def test_the_seed_is_taken_as_it_is():
    """The issue: `project create -f` takes the reference pipeline's file unchanged."""
    found = read(SEED)
    project = found.project
    assert found.warnings == ()
    assert (project.name, project.namespace) == ("example/brigadedemo", "default")
    assert project.repository == "github.com/example/brigadedemo"
    assert project.shared_secret == "not-a-real-shared-secret-0001"
    assert project.secrets["SLACK_WEBHOOK"] == "https://hooks.example.com/services/T000/B000/not-a-real-hook"


def test_every_key_of_brigade_v1_keeps_its_meaning():
    """The contract: every key of v1's project chart is accepted."""
    found = read(V1)
    project = found.project
    assert project.init_submodules
    assert project.github_token == "github oauth token"
    assert project.image_pull_secrets == ("foo", "bar")
    assert project.service_account == "builder"
    assert project.policy == Policy(allow_privileged_jobs=False, allow_host_mounts=True, allow_secret_key_ref=True)
    assert project.v1["worker.tag"] == "1.5"
    assert project.v1["vcsSidecarResources.requests.cpu"] == "1"
    assert project.v1["kubernetes.cacheStorageClass"] == "default"
    assert [w.partition(": ")[0] for w in found.warnings] == ["project.yaml:17", "project.yaml:30"], "numbers as text"


def test_flat_keys_of_the_v1_secret_are_the_nested_ones():
    """v1 stores `github.token` flat; both spellings mean the same, and both at once is a mistake."""
    assert read(MINIMAL + "github.token: abcdefgh\n").project.github_token == "abcdefgh"
    message = refused(MINIMAL + "github.token: abcdefgh\ngithub: {token: ijklmnop}\n")
    assert "project.yaml:4" in message
    assert "twice, first in line 3" in message


def test_our_own_keys():
    """The contract's "Project file"."""
    text = MINIMAL + "registrySecret: abcdefgh\nnotebook: ./ci/x.ipynb\nexecutor: podman\ntimeout: 60\nretries: 0\n"
    project = read(text + "allowServiceAccounts: [a, b]\n").project
    assert (project.notebook, project.executor, project.timeout, project.retries) == ("ci/x.ipynb", "podman", 60, 0)
    assert project.policy.allow_service_accounts == ("a", "b")
    assert project.registry_secret == "abcdefgh"


def test_what_a_build_is_run_with():
    """The issue: the tier, what is imported ahead, what a build may take and what the record takes."""
    project = read(
        MINIMAL
        + "tier: kernel\npreload: [numpy, scipy.stats, numpy]\nlimits: {memory: 1.5Gi, processes: 64}\n"
        + "outputLimits: {cellBytes: 64Ki, cellDisplays: 10, runBytes: 1e6}\n"
    ).project
    assert (project.tier, project.preload) == ("kernel", ("numpy", "scipy.stats"))
    assert project.limits == Limits(memory=3 * 2**29, processes=64)
    assert project.output_limits == OutputLimits(cell_bytes=65_536, cell_displays=10, run_bytes=1_000_000)


def test_what_a_build_is_run_with_by_default():
    """A part of a mapping leaves the rest as it is; the engine's own defaults are the project's."""
    project = read(MINIMAL + "outputLimits: {cellDisplays: 10}\nlimits: {}\npreload: []\n").project
    assert (project.tier, project.preload, project.limits) == ("auto", (), Limits(memory=None, processes=1024))
    plan = Plan()
    caps = OutputLimits()
    assert (caps.cell_bytes, caps.cell_displays, caps.run_bytes) == (
        plan.cell_bytes,
        plan.cell_displays,
        plan.run_bytes,
    )
    assert project.output_limits == OutputLimits(cell_displays=10)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("0", 0),
        ("1Ki", 1024),
        ("1k", 1000),
        ("1.5Gi", 3 * 2**29),
        ("0.3", 1),
        ("129e6", 129_000_000),
        ("2T", 2 * 10**12),
        *(
            (bad, None)
            for bad in ("", "Mi", "-1", "1 Mi", "1MB", "1mi", "1m", "0x10", "1_000", "\u0661", "1e999", "9" * 99)
        ),
    ],
)
def test_quantities(text, value):
    """Kubernetes' own notation, and nothing that only looks like it."""
    assert quantity(text) == value


def test_absent_locks_keep_v1s_defaults():
    """The contract: an absent project lock keeps v1's default."""
    assert read(MINIMAL).project.policy == Policy(allow_privileged_jobs=True, allow_host_mounts=False)


def test_json_is_yaml_even_with_surrogate_pairs():
    """API clients send JSON; Python's own writer escapes what is beyond U+FFFF as pairs, which YAML does not know."""
    notebook = json.dumps({"cells": [], "emoji": "😀"}, ensure_ascii=False)
    body = json.dumps({"project": "o/r", "defaultNotebook": notebook, "secrets": {"A": "\\ud83d-is-text"}})
    project = read(body).project
    assert project.default_notebook == notebook
    assert project.secrets["A"] == "\\ud83d-is-text"


@pytest.mark.parametrize("stored", [PEM, PEM.strip(), PEM.replace("\n", "$"), PEM.replace("\n", "\r\n")])
def test_ssh_keys_come_back_as_openssh_wants_them(stored):
    """v1 stores newlines as `$`; ssh refuses a key without its last newline."""
    assert read(MINIMAL + "sshKey: " + json.dumps(stored)).project.ssh_key == PEM


def test_empty_and_null_are_absent():
    """The chart ships `github:`, `secrets:` and `cloneURL: ""` with nothing behind them."""
    project = read(
        'project: o/r\ncloneURL: ""\ngithub:\nsecrets:\nsharedSecret: ""\ndefaultNotebook: |\n  ' + NOTEBOOK
    ).project
    assert project.clone_url is None
    assert project.shared_secret is None
    assert project.secrets == {}


def test_without_a_sidecar_the_repository_is_not_fetched():
    """v1: `vcsSidecar: NONE` builds from the default script alone."""
    found = read(f"{MINIMAL}vcsSidecar: NONE\ndefaultNotebook: '{NOTEBOOK}'\n")
    assert found.project.clone_url is None
    assert "not fetched" in found.warnings[0]
    assert "nothing to run" in refused(MINIMAL + "vcsSidecar: NONE\n")


def test_a_default_script_is_warned_about_and_dropped():
    """A v1 user must learn that brigade.js is not run; what is not used is not stored."""
    found = read(MINIMAL + "defaultScript: |\n  events.on('x')\n")
    assert "brignb runs notebooks" in found.warnings[0]
    assert "defaultScript" not in found.project.v1


@pytest.mark.parametrize(
    ("line", "near"),
    [
        ("sharedsecret: x", "sharedSecret"),
        ("github: {tokn: x}", "github.token"),
        ("default_notebook: x", "defaultNotebook"),
        ("outputLimits: {cellByte: 1Mi}", "outputLimits.cellBytes"),
        ("limits: {memroy: 1Gi}", "limits.memory"),
        ("preloads: [numpy]", "preload"),
    ],
)
def test_unknown_keys_are_warned_about_with_the_nearest_one(line, near):
    """The contract: unknown keys are warned about by name, with the nearest known one."""
    (warning,) = read(MINIMAL + line).warnings
    assert warning.startswith("project.yaml:3: ")
    assert f"did you mean `{near}`?" in warning


@pytest.mark.parametrize(
    ("lines", "what"),
    [
        ("timeout: 0", "whole number from 1"),
        ("timeout: '60'", "whole number"),
        ("timeout: 1:30", "whole number"),  # ninety in YAML 1.1
        ("timeout: 1e9", "whole number"),
        ("timeout: " + "9" * 5000, "whole number"),
        ("retries: -1", "whole number from 0"),
        ("retries: true", "whole number"),
        ("executor: podmn", "did you mean podman?"),
        ("tier: kernle", "did you mean kernel?"),
        ("tier: [fork]", "wants text and is a list"),
        ("preload: {numpy: 1}", "list of names"),
        ("preload: [1]", "list of names"),
        ("preload: [numpy, 'os; import x']", "no module's name"),
        ("preload: [.relative]", "no module's name"),
        ("preload: [a.class]", "no module's name"),
        (f"preload: [{', '.join(f'm{n}' for n in range(33))}]", "at most 32"),
        ("limits: 2Gi", "wants a mapping"),
        ("limits: {memory: 2GiB}", "from 64Mi to 1Ti"),
        ("limits: {memory: 1Mi}", "from 64Mi to 1Ti"),
        ("limits: {processes: 1}", "from 16 to 64Ki"),
        ("limits: {processes: true}", "whole number"),
        ("outputLimits: {cellBytes: []}", "`outputLimits.cellBytes` wants a whole number"),
        ("outputLimits: {cellBytes: 0x1000}", "whole number"),
        ("outputLimits: {runBytes: 2Gi}", "from 1Ki to 1Gi"),
        ("namespace: Not_One", "Kubernetes namespace"),
        ("namespace: 12", "wants text and is a number"),
        ("repository: [a]", "wants text and is a list"),
        ("notebook: ../x.ipynb", "path in the repository"),
        ("notebook: /x.ipynb", "path in the repository"),
        ("notebook: '.'", "path in the repository"),
        ('notebook: "a\\nb"', "path in the repository"),
        ("initGitSubmodules: maybe", "true or false"),
        ("allowPrivilegedJobs: 1", "true or false"),
        ("imagePullSecrets: {a: b}", "list of names"),
        ("github: token", "wants a mapping"),
        ("secrets: [a]", "wants a mapping of names"),
        ("secrets: {A: [b]}", "`secrets: A` wants text and is a list"),
        ("secrets: {A: abcdef, A: abcdef}", "twice"),
        ("sshKey: ssh-rsa AAAA", "not a private key"),
        ("sshCert: nothing", "not an OpenSSH certificate"),
        ("defaultNotebook: {cells: []}", "is a mapping"),
        ("defaultNotebook: '[]'", "is not a notebook"),
        ("project: again/again", "`project` stands there twice, first in line 1"),
    ],
)
def test_wrong_values_are_errors_with_their_line(lines, what):
    """The contract: wrong types are errors with their line."""
    message = refused(MINIMAL + lines)
    assert message.startswith("project.yaml:3: ")
    assert what in message


@pytest.mark.parametrize("name", ["norepo", "a/../b", "a b/c", "/a/b", "a/" + "b" * 300, "[1]"])
def test_names_that_are_no_projects(name):
    """Names reach paths and URLs."""
    assert "project.yaml:1" in refused(f"project: {name}\ncloneURL: /srv/x\n")


@pytest.mark.parametrize(
    "url",
    [
        "https://h/x.git",
        "https://user@dev.azure.com/o/p",
        "git@h:o/r.git",
        "h:r",
        "ssh://git@h:22/r",
        "git://h/r",
        "/srv/x",
        "file:///srv/x",
    ],
)
def test_clone_urls_that_git_takes(url):
    """The contract: any URL that git takes."""
    assert read(f"project: o/r\ncloneURL: '{url}'\n").project.clone_url == url


@pytest.mark.parametrize(
    "url",
    [
        "ext::sh -c id",
        "fd::7",
        "::x",
        "-u",
        "--upload-pack=id",
        "demo.git",
        "../demo",
        "https://h:port/x",
        "https://[h/x",
        "a\\nb:c",
    ],
)
def test_clone_urls_that_are_refused(url):
    """Transports that run programs, options in disguise and paths that mean something else in another folder."""
    assert "project.yaml:2: `cloneURL`" in refused(f'project: o/r\ncloneURL: "{url}"\n')


def test_everything_wrong_comes_at_once():
    """A person mends a file once."""
    message = refused("projct: x\ntimeout: x\nexecutor: docker\n")
    assert message.startswith("project.yaml: 4 things are wrong")
    assert "project.yaml:2: `timeout`" in message
    assert "`project` is missing" in message
    assert "nothing to run" in message


def test_a_notebook_at_hand_needs_nothing_to_run():
    """`brignb run NOTEBOOK --project F` reads only secrets and policy from the file."""
    assert read("project: o/r\n", runnable=False).project.name == "o/r"


@pytest.mark.parametrize(
    ("content", "where"),
    [
        ("a: *b", "project.yaml:1: YAML aliases"),
        ("a: &b c", "project.yaml:1: YAML anchors"),
        ("\na: !!python/object/apply:os.system [id]", "project.yaml:2: YAML tags"),
        ("a: 1\n---\nb: 2", "second YAML document"),
        ("a:\n\tb: c", "project.yaml:2: this is not YAML"),
        ("[" * 100_000, "nested more than"),
        ("{a: " * 60_000, "nested more than"),
        ("? [a]\n: b", "list or mapping as a key"),
        ("- a", "mapping of keys"),
        ("", "mapping of keys"),
        ("a: 1\nb: \x07", "project.yaml:2: a character"),
        (b"a: 1\nb: \xff", "project.yaml:2: this is not UTF-8"),
        ("a: '\ud800'", "not UTF-8"),
        ("#" * (SIZE_MAX + 1), "at most 256 KiB"),
    ],
)
def test_what_is_no_project_file(content, where):
    """Hostile and broken YAML ends in one clear error, fast."""
    assert where in refused(content)


SECRET_FIELDS = ["sharedSecret", "registrySecret", "genericGatewaySecret", "github.token", "sshKey", "sshCert"]
LEAKY = [
    *(f"{field}: {CANARY}" for field in SECRET_FIELDS),
    *(f"{field}: [{CANARY}]" for field in SECRET_FIELDS),
    *(f"{field}: {{x y: {CANARY}}}" for field in SECRET_FIELDS),
    f"github: {{token: {CANARY}, tokn: {CANARY}}}",
    f"github: {CANARY}",
    f"github: [{CANARY}]",
    f"secrets: {CANARY}",
    f"secrets: [{CANARY}]",
    f"secrets: {{A: [{CANARY}]}}",
    f"secrets: {{A: {{B: {CANARY}}}}}",
    f"secrets: {{'A {CANARY}': }}",
    f"secrets: {{A: {CANARY}, A: {CANARY}}}",
    f"sharedSecret: *{CANARY}",
    f"sharedSecret: &{CANARY} x",
    f"sharedSecret: !{CANARY} x",
    f"sharedSecret: !x!{CANARY} x",
    f"sharedSecret: @{CANARY}",
    f"sharedSecret: '{CANARY}",
    f'sharedSecret: "{CANARY}\\q"',
    f"sharedSecret: {CANARY}: {CANARY}",
    f"sharedSecret: |\n {CANARY}\nx {CANARY}",
    f"sharedSecret: {{{CANARY}",
    f"sharedSecret: \x07{CANARY}",
    f"%{CANARY}\n---\nx",
    f"sharedSecrt: {CANARY}",
    f"sharedSecret {CANARY}: x",
    f"cloneURL: https://user:{CANARY}@h/x",
    f"cloneURL: https://{CANARY}xxxxxxxxxx@h/x",
    f"cloneURL: ext::{CANARY}",
    f"cloneURL: [{CANARY}]",
    f"timeout: {CANARY}",
    f"defaultNotebook: {CANARY}",
]


@pytest.mark.parametrize("line", LEAKY)
@pytest.mark.parametrize("before", ["project: o/r\n", "project: o/r\ndefaultNotebook: '" + NOTEBOOK + "'\n", ""])
def test_no_message_shows_a_secret(line, before):
    """Messages end up in terminals, logs and answers."""
    try:
        found = read(before + line)
    except ProjectFileError as error:
        shown = f"{error} {error.to_json()} {error!r} {error.__cause__!r} {error.__context__!r}"
    else:
        shown = " ".join(found.warnings) + repr(found)
    assert CANARY not in shown


def test_secrets_too_short_to_redact_are_warned_about_by_name():
    """The issue: values under 6 characters are left alone, and `project create` warns of them."""
    found = read(MINIMAL + "secrets:\n  A: abc\n  B: 12\n  C:\n  D: long enough\nsharedSecret: short-one\n")
    keys = [warning.split(" ")[1] for warning in found.warnings]
    assert keys == ["`secrets:", "`secrets:", "`secrets:", "`secrets:", "`sharedSecret`"]
    assert "A` is shorter" in found.warnings[0]
    assert "B` is a number" in found.warnings[1]
    assert "can be guessed" in found.warnings[-1]
    assert found.project.secrets == {"A": "abc", "B": "12", "C": "", "D": "long enough"}


@given(st.text() | st.binary() | st.lists(st.sampled_from(list(KEYS) + list(": \n{}[],'\"|&*!#-"))).map("".join))
def test_nothing_but_its_own_error_comes_out(content):
    """The API takes this text from callers: whatever it is, it is a project or a `ProjectFileError`."""
    with contextlib.suppress(ProjectFileError):
        assert read(content).project.name
