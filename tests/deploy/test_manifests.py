"""What is deployed fits the program: settings and commands exist, probes are answered, and no secret is in it."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from api._operate import COMMANDS
from api.app import build_app
from api.cli import app
from api.probes import ANSWERED
from api.settings import Settings

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
KUBERNETES = sorted((DEPLOY / "kubernetes").glob("*.yaml"))
SETTINGS = {f"COUNTERSIGN_{name.upper()}" for name in Settings.model_fields}
CONTAINERFILE = (DEPLOY / "Containerfile").read_text()
USER = 10001

Json = Any


def documents() -> list[Json]:
    return [one for path in KUBERNETES for one in yaml.safe_load_all(path.read_text())]


def pods() -> list[tuple[str, Json]]:
    return [
        (one["metadata"]["name"], one["spec"]["template"]["spec"])
        for one in documents()
        if one["kind"] in ("Deployment", "Job", "StatefulSet", "CronJob")
    ]


def containers() -> list[tuple[str, Json]]:
    return [(name, one) for name, pod in pods() for one in pod["containers"]]


COMPOSE: Json = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
SERVICES: dict[str, Json] = COMPOSE["services"]
OURS = {name: one for name, one in SERVICES.items() if one["image"].startswith("countersign:")}


def strings(value: Json) -> Iterator[str]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield str(key)
            yield from strings(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from strings(inner)
    else:
        yield str(value)


def test_every_setting_that_is_named_exists() -> None:
    texts = [path.read_text() for path in (*KUBERNETES, DEPLOY / "compose.yaml", DEPLOY / "Containerfile")]
    named = set(re.findall(r"\bCOUNTERSIGN_[A-Z_]+\b", "\n".join(texts)))
    assert named - SETTINGS == set()
    assert len(named) > 15


PAGES = [ROOT / "docs" / f"{name}.md" for name in ("deploy", "runbook", "observability")]
OF_CLIENTS = {"COUNTERSIGN_TOKEN", "COUNTERSIGN_URL"}
"""What `countersign chat` and the like read: they are no settings of the service."""


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.name))
def test_every_setting_and_command_on_the_pages_exists(page: Path) -> None:
    text = page.read_text()
    assert set(re.findall(r"\bCOUNTERSIGN_[A-Z_]+\b", text)) - SETTINGS - OF_CLIENTS == set()
    commands = {str(info.name or info.callback.__name__) for info in app.registered_commands if info.callback}
    groups = {str(info.name) for info in app.registered_groups}
    said = set(re.findall(r"(?:`|run )countersign ([a-z][a-z-]*)", text))
    assert said - {name.replace("_", "-") for name in commands} - groups == set()
    assert said or page.name == "observability.md"


def test_each_process_runs_a_command_that_exists() -> None:
    run = [one["command"][0] for one in OURS.values()] + [one["args"][0] for _, one in containers()]
    assert set(run) <= set(COMMANDS)
    assert set(run) == {"serve", "worker", "migrate"}
    assert len([one for one in OURS.values() if one["command"] == ["serve"]]) == 2
    assert len([one for one in OURS.values() if one["command"] == ["worker"]]) == 2


def test_probes_ask_for_routes_that_are_answered(tmp_path: Path) -> None:
    settings = Settings(mode="development", data_dir=tmp_path)
    answered = {"api": set(build_app(settings).openapi()["paths"]), "worker": ANSWERED}
    probed = 0
    for _, container in containers():
        for kind in ("startupProbe", "livenessProbe", "readinessProbe"):
            if container["name"] == "migrate":
                assert kind not in container
                continue
            asked = container[kind]["httpGet"]
            assert asked["path"] in answered[container["name"]]
            [port] = [one for one in container["ports"] if one["name"] == asked["port"]]
            assert port["containerPort"] == 8000 == Settings.model_fields["port"].default
            probed += 1
    assert probed == 6
    # Liveness asks for nothing that a database that is away for a while could make fail.
    assert {c["livenessProbe"]["httpGet"]["path"] for _, c in containers() if "livenessProbe" in c} == {"/health"}
    for name, service in OURS.items():
        if name != "migrate":
            assert "http://127.0.0.1:8000/ready" in service["healthcheck"]["test"][-1]


@pytest.mark.parametrize(("name", "pod"), pods(), ids=[name for name, _ in pods()])
def test_pods_run_as_nobody_in_particular_on_a_root_they_cannot_write(name: str, pod: Json) -> None:
    context = pod["securityContext"]
    assert (context["runAsNonRoot"], context["runAsUser"]) == (True, USER)
    assert context["seccompProfile"] == {"type": "RuntimeDefault"}
    assert pod["automountServiceAccountToken"] is False
    assert not {"hostNetwork", "hostPID", "hostIPC"} & set(pod)
    mounted = {volume["name"] for volume in pod["volumes"]}
    for container in pod["containers"]:
        inner = container["securityContext"]
        assert inner["readOnlyRootFilesystem"] is True
        assert inner["allowPrivilegeEscalation"] is False
        assert inner["capabilities"] == {"drop": ["ALL"]}
        assert not inner.get("privileged")
        assert container["resources"]["requests"].keys() == {"cpu", "memory"}
        assert "memory" in container["resources"]["limits"]
        assert {mount["name"] for mount in container["volumeMounts"]} <= mounted
    assert not any("hostPath" in volume for volume in pod["volumes"])


@pytest.mark.parametrize(("name", "service"), SERVICES.items(), ids=list(SERVICES))
def test_compose_services_are_confined(name: str, service: Json) -> None:
    assert service["cap_drop"] == ["ALL"]
    assert "privileged" not in service
    if name in ("postgres", "volumes"):
        assert set(service["cap_add"]) <= {"CHOWN", "DAC_OVERRIDE", "FOWNER", "SETGID", "SETUID"}
        return
    assert service["read_only"] is True
    assert "no-new-privileges:true" in service["security_opt"]
    assert service["user"].split(":")[0] not in ("0", "root")
    assert [port for port in service.get("ports", []) if name != "proxy"] == []


def test_only_the_migration_has_the_owners_password() -> None:
    with_owner = {name for name, one in OURS.items() if "COUNTERSIGN_DATABASE_OWNER_URL" in one["environment"]}
    assert with_owner == {"migrate"}
    assert [n for n, c in containers() if "COUNTERSIGN_DATABASE_OWNER_URL" in str(c)] == ["countersign-migrate"]
    for name, service in OURS.items():
        if name != "migrate":
            assert service["depends_on"]["migrate"] == {"condition": "service_completed_successfully"}


def test_image_tags_are_pinned() -> None:
    images = [one["image"] for one in SERVICES.values()] + [one["image"] for _, one in containers()]
    images += re.findall(r"^FROM (\S+)", CONTAINERFILE, re.MULTILINE)
    for image in images:
        assert re.search(r":\d+\.\d+(\.\d+)?(-[a-z]+)*$", image), image
    version = re.search(r'^version = "(.+)"', (ROOT / "pyproject.toml").read_text(), re.MULTILINE)
    assert version is not None
    assert {image for image in images if image.startswith("countersign:")} == {f"countersign:{version[1]}"}


SECRETS = ("password", "secret", "token", "key", "database_url", "owner_url")


def test_no_secret_stands_in_a_file() -> None:
    """Whatever is called a secret is taken from the environment, from a secret object, or names a file."""
    for service in SERVICES.values():
        for name, value in service.get("environment", {}).items():
            if any(word in name.lower() for word in SECRETS):
                without = re.sub(r"\$\{[A-Z_]+:(\?|-)\}", "", str(value))
                assert (
                    without == ""
                    or "/run/secrets/" in without
                    or re.fullmatch(r"postgresql\+psycopg://[a-z_]+:@postgres/countersign", without)
                ), f"{name}: {value}"
    for one in documents():
        assert one["kind"] != "Secret"
        for name, value in one.get("data", {}).items():
            if any(word in name.lower() for word in SECRETS):
                assert value.startswith("/etc/countersign/"), name
    for _, container in containers():
        for variable in container.get("env", []):
            assert "value" not in variable or not any(word in variable["name"].lower() for word in SECRETS)
    for value in {text for one in [COMPOSE, *documents()] for text in strings(one)}:
        assert not re.fullmatch(r"[A-Za-z0-9+_=-]{32,}", value) or "COUNTERSIGN" in value, value


def test_everything_that_is_referred_to_exists() -> None:
    listed = yaml.safe_load((DEPLOY / "kubernetes" / "kustomization.yaml").read_text())
    assert {*listed["resources"], "kustomization.yaml"} == {path.name for path in KUBERNETES}
    for service in SERVICES.values():
        for volume in service.get("volumes", []):
            source = volume.split(":")[0]
            assert (DEPLOY / source).is_file() if source.startswith("./") else source in COMPOSE["volumes"]
        for secret in service.get("secrets", []):
            assert secret in COMPOSE["secrets"]
    selected = {str(one["spec"]["selector"]) for one in documents() if one["kind"] == "Service"}
    labels = {str(one["spec"]["template"]["metadata"]["labels"]) for one in documents() if one["kind"] == "Deployment"}
    assert selected <= labels


def test_the_proxy_lets_streams_through_and_keeps_figures_and_names_in() -> None:
    text = (DEPLOY / "proxy" / "nginx.conf").read_text()
    assert "proxy_buffering off;" in text
    assert re.search(r"location = /metrics \{\s+return 404;", text)
    [logged] = re.findall(r"log_format .*", text)
    assert not re.search(r"\$(remote_addr|request\b|request_uri|args|uri|http_)", logged)
    assert text.count("{") == text.count("}")
    assert set(re.findall(r"server (\S+):8000", text)) == {
        name for name, one in OURS.items() if one["command"] == ["serve"]
    }


def test_the_image_is_built_from_the_lock_and_runs_as_nobody_in_particular() -> None:
    lines = [line for line in CONTAINERFILE.splitlines() if line and not line.startswith("#")]
    users = [line for line in lines if line.startswith("USER")]
    assert users == [f"USER {USER}:{USER}"]
    assert lines.index(users[0]) < lines.index('ENTRYPOINT ["countersign"]')
    assert f"--uid {USER} --gid {USER}" in CONTAINERFILE
    for line in lines:
        if "pip install" in line:
            assert "--no-cache-dir" in line
        if "uv sync" in line:
            assert "--no-cache" in line
            assert "--locked" in line
            assert "--no-default-groups" in line
    assert "ADD " not in CONTAINERFILE
    assert not re.search(r"(PASSWORD|SECRET|MASTER_KEY|CONTEXT_KEY)=", CONTAINERFILE)
    copied = {line.split()[1] for line in lines if line.startswith("COPY") and "--from" not in line}
    packages = set(
        re.findall(r'"(\w+)"', re.findall(r"^packages = .*$", (ROOT / "pyproject.toml").read_text(), re.M)[0])
    )
    assert copied == {"pyproject.toml", "docs", *packages}
    for name in copied:
        assert (ROOT / name).exists()
