"""deploy/ is what the code is: the image's steps run, and what a cluster is given is valid and fits together."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import socket
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import kubernetes_validate  # type: ignore[import-untyped]
import yaml

from catalog.home import PROJECT_ROOT

DEPLOY = PROJECT_ROOT / "deploy"
IMAGE = DEPLOY / "image"
KUBERNETES = DEPLOY / "kubernetes"
SETTINGS = (PROJECT_ROOT / "docs" / "settings.md").read_text()


# --- The image ----------------------------------------------------------------------------------


def test_every_step_of_the_image_is_a_script_that_is_there() -> None:
    lines = (DEPLOY / "Dockerfile").read_text().splitlines()
    steps = [yaml.safe_load(line.removeprefix("RUN ")) for line in lines if line.startswith("RUN ")]
    assert len(steps) == 2
    for step in steps:
        script = IMAGE / Path(step[0]).name
        assert os.access(script, os.X_OK), script
    for line in lines:
        if line.startswith("COPY ") and "--from" not in line:
            *sources, _target = shlex.split(line)[1:]
            for source in sources:
                assert (PROJECT_ROOT / source).exists(), line
    (health,) = (line for line in lines if line.startswith("HEALTHCHECK"))
    assert (PROJECT_ROOT / health.split('"')[3].removeprefix("/opt/dcmrs/")).exists()


def test_the_scripts_of_the_image_are_ones_that_a_shell_reads() -> None:
    for script in IMAGE.iterdir():
        if script.read_text().startswith("#!/bin/sh"):
            subprocess.run(["/bin/sh", "-n", script], check=True)


def test_the_environment_of_the_image_is_made_in_an_empty_folder(tmp_path: Path) -> None:
    (tmp_path / "requirements.txt").write_text("# as the project's, and nothing in it\n")
    command = [str(IMAGE / "install"), str(tmp_path / "venv"), str(tmp_path / "requirements.txt"), "--no-index"]
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    subprocess.run(command, check=True, env={"PATH": path}, cwd=tmp_path, capture_output=True)
    assert (tmp_path / "venv" / "bin" / "python").exists()
    (tmp_path / "requirements.txt").write_text("there-is-no-such-thing==1\n")
    broken = subprocess.run(command, check=False, env={"PATH": path}, cwd=tmp_path, capture_output=True)
    assert broken.returncode != 0, "an image without its packages is none"


def test_the_folders_and_the_user_of_the_image_are_laid_out_once(tmp_path: Path) -> None:
    (tmp_path / "etc").mkdir()
    for name in ("passwd", "group"):
        (tmp_path / "etc" / name).touch()
    for _ in range(2):
        subprocess.run([IMAGE / "lay-out", tmp_path], check=True)
    (user,) = (tmp_path / "etc" / "passwd").read_text().splitlines()
    assert user == "dcmrs:x:10001:10001::/var/lib/dcmrs:/usr/sbin/nologin"
    uploads = tmp_path / "var" / "lib" / "dcmrs" / "uploads"
    assert uploads.is_dir()
    if os.getuid() == 0:
        assert (uploads.stat().st_uid, uploads.stat().st_gid) == (10001, 10001)
    assert "USER 10001:10001" in (DEPLOY / "Dockerfile").read_text()


def test_the_image_says_whether_it_is_healthy() -> None:
    class Healthy(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200 if self.path == "/health/" else 404)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    def asked(port: int) -> subprocess.CompletedProcess[bytes]:
        command = [sys.executable, str(IMAGE / "healthy")]
        return subprocess.run(command, check=False, capture_output=True, env={"PORT": str(port)})

    with HTTPServer(("127.0.0.1", 0), Healthy) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            assert asked(server.server_port).returncode == 0
        finally:
            server.shutdown()
            thread.join()
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    assert b"refused" in asked(port).stderr


# --- A cluster ----------------------------------------------------------------------------------


def rendered() -> list[dict[str, Any]]:
    """What Kustomize makes of the base: its files one after the other, with its image and labels."""
    base = yaml.safe_load((KUBERNETES / "kustomization.yaml").read_text())
    assert set(base) == {"apiVersion", "kind", "labels", "resources", "images"}, "render here what is new"
    found = [document for name in base["resources"] for document in yaml.safe_load_all((KUBERNETES / name).read_text())]
    images = {one["name"]: f"{one['newName']}:{one['newTag']}" for one in base["images"]}
    for document in found:
        document["metadata"].setdefault("labels", {}).update(base["labels"][0]["pairs"])
        for container in containers(document):
            container["image"] = images[container["image"]]
    return found


def containers(document: dict[str, Any]) -> list[dict[str, Any]]:
    pod = document["spec"]["template"]["spec"] if document["kind"] == "Deployment" else {}
    return [*pod.get("containers", ()), *pod.get("initContainers", ())]


def named(kind: str) -> dict[str, dict[str, Any]]:
    return {one["metadata"]["name"]: one for one in rendered() if one["kind"] == kind}


def test_all_that_a_cluster_is_given_is_valid() -> None:
    listed = yaml.safe_load((KUBERNETES / "kustomization.yaml").read_text())["resources"]
    assert set(listed) == {path.name for path in KUBERNETES.iterdir()} - {"kustomization.yaml"}
    for document in rendered():
        kubernetes_validate.validate(document, "1.32", strict=True)


def test_kustomize_renders_the_same() -> None:
    kubectl = shutil.which("kubectl")
    if kubectl is None:
        # Rendered and validated without it by the other tests.
        return
    done = subprocess.run([kubectl, "kustomize", KUBERNETES], check=True, capture_output=True, text=True)
    by_name = {(one["kind"], one["metadata"]["name"]): one for one in yaml.safe_load_all(done.stdout)}
    assert by_name == {(one["kind"], one["metadata"]["name"]): one for one in rendered()}


def test_what_refers_to_something_else_finds_it() -> None:
    claims, maps, deployments = named("PersistentVolumeClaim"), named("ConfigMap"), named("Deployment")
    assert set(deployments) == {"dcmrs-web", "dcmrs-worker", "dcmrs-beat"}
    for name, one in deployments.items():
        template = one["spec"]["template"]
        assert one["spec"]["selector"]["matchLabels"].items() <= template["metadata"]["labels"].items()
        volumes = {volume["name"]: volume for volume in template["spec"]["volumes"]}
        used = {
            volume["persistentVolumeClaim"]["claimName"]
            for volume in volumes.values()
            if len(volume) > 1 and "persistentVolumeClaim" in volume
        }
        assert used == set(claims), name
        for container in containers(one):
            assert {mount["name"] for mount in container["volumeMounts"]} == set(volumes)
            assert [next(iter(source)) for source in container["envFrom"]] == ["configMapRef", "secretRef"]
            assert container["envFrom"][0]["configMapRef"]["name"] in maps
            assert container["securityContext"]["readOnlyRootFilesystem"], "and /tmp is a volume"
    assert deployments["dcmrs-beat"]["spec"]["replicas"] == 1
    assert deployments["dcmrs-beat"]["spec"]["strategy"] == {"type": "Recreate"}
    (service,) = named("Service").values()
    assert (
        service["spec"]["selector"].items()
        <= deployments["dcmrs-web"]["spec"]["template"]["metadata"]["labels"].items()
    )
    (ingress,) = named("Ingress").values()
    backend = ingress["spec"]["rules"][0]["http"]["paths"][0]["backend"]["service"]
    assert backend["name"] == service["metadata"]["name"]
    assert backend["port"]["name"] == service["spec"]["ports"][0]["name"]


def test_every_setting_that_is_given_is_one_that_there_is() -> None:
    compose = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
    given = {*named("ConfigMap")["dcmrs"]["data"], *compose["x-dcmrs"]["environment"]}
    for name in given:
        assert f"`{name}`" in SETTINGS, name


def test_what_runs_in_containers_is_what_up_runs() -> None:
    compose = yaml.safe_load((DEPLOY / "compose.yaml").read_text())["services"]
    deployments = named("Deployment")
    for name in ("web", "worker", "beat"):
        (container,) = deployments[f"dcmrs-{name}"]["spec"]["template"]["spec"]["containers"]
        in_cluster = [*container["command"], *container.get("args", ())]
        in_compose = [*compose[name]["entrypoint"], *compose[name].get("command", ())]
        assert sorted(in_cluster) == sorted(in_compose), name
    processes = (PROJECT_ROOT / "dcmrs_site" / "processes.py").read_text()
    for part in ("dcmrs_site.web_worker.MannerlyWorker", "--no-control-socket", "dcmrs_site.worker_signs.Scheduler"):
        assert part in processes
    assert re.search(r"USER 10001:10001", (DEPLOY / "Dockerfile").read_text())
    for one in deployments.values():
        assert one["spec"]["template"]["spec"]["securityContext"]["runAsUser"] == 10001


def test_a_proxy_has_each_of_its_places_once() -> None:
    places = re.findall(r"^\s*location\s+(.+?)\s*\{", (DEPLOY / "nginx.conf").read_text(), re.MULTILINE)
    assert sorted(places) == sorted(set(places))
    assert sum("mood/picture" in place for place in places) == 1
