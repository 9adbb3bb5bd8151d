"""The recipes of images are those of the environments and the lock, as they are now."""

import os
import re
import shutil
import subprocess
import sys
from hashlib import md5
from pathlib import Path

import pytest
import yaml
from definition import read
from local_conda import need
from packaging.version import Version

REPOSITORY = Path(__file__).resolve().parents[2]
DOCKERFILE = REPOSITORY / "containers" / "Dockerfile"
DEFINITION = REPOSITORY / "containers" / "bioagree.def"


@pytest.fixture
def update(make, tmp_path):
    """A copy of the tree, and a function that runs update.py there."""
    tree = make.tree(tmp_path / "tree")
    shutil.copytree(REPOSITORY / "containers", tree / "containers")

    def run(*arguments):
        command = [sys.executable, tree / "containers" / "update.py", *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=False)

    run.tree = tree
    return run


@pytest.mark.slow
def test_one_command_keeps_the_dockerfile_current(update):
    assert update("--check").returncode == 0
    dockerfile = update.tree / "containers" / "Dockerfile"
    before = dockerfile.read_text()
    environment = update.tree / "envs" / "image.yaml"
    environment.write_text(re.sub(r"scipy==[\d.]+", "scipy==1.0.0", environment.read_text()))
    found = update("--check")
    assert found.returncode == 1
    assert "run: uv run python containers/update.py" in found.stdout
    assert dockerfile.read_text() == before
    assert update().returncode == 0
    changed = set(dockerfile.read_text().splitlines()) ^ set(before.splitlines())
    assert any("envs/image.yaml" in line for line in changed)
    assert not any("envs/gpu.yaml" in line for line in changed)


def test_the_image_has_every_environment_at_the_place_where_snakemake_looks():
    """A folder named by the MD5 of the file, `Env.content_hash` in Snakemake 9."""
    text = DOCKERFILE.read_text()
    copied = dict(re.findall(r"^COPY (envs/\S+) (/conda-envs/\S+)/environment.yaml$", text, re.M))
    assert copied == {
        f"envs/{path.name}": f"/conda-envs/{md5(path.read_bytes()).hexdigest()}"
        for path in (REPOSITORY / "envs").glob("*.yaml")
    }
    for place in copied.values():
        create = f"conda env create --prefix {place} --file {place}/environment.yaml &&"
        assert text.count(create) == 1


def test_base_images_have_versions():
    header, _ = read(DEFINITION)
    (base,) = re.findall(r"^FROM (\S+)$", DOCKERFILE.read_text(), re.M)
    for image in (base, header["from"]):
        assert re.search(r":\d+\.\d+[\w.-]*$", image), image
    from snakemake.deployment.conda import MIN_CONDA_VER

    conda = base.split(":")[1].split("-")[0]
    assert Version(conda) >= Version(MIN_CONDA_VER)


def test_the_definition_installs_the_lock_and_starts_snakemake():
    header, sections = read(DEFINITION)
    assert header == {"bootstrap": "docker", "from": header["from"]}
    files = dict(line.split() for line in sections["files"])
    assert set(files) == {"pyproject.toml", "uv.lock"}
    assert all((REPOSITORY / name).is_file() for name in files)
    assert any("uv sync --locked" in line for line in sections["post"])
    assert sections["runscript"] == ['exec snakemake "$@"']
    assert "export PYTHONNOUSERSITE=1" in sections["environment"]
    for name, section in sections.items():
        if name in ("post", "environment", "runscript", "test"):
            script = "\n".join(section)
            subprocess.run(["sh", "-n", "-c", script], check=True)


def test_the_definition_needs_the_python_that_the_project_supports():
    """Debian 12 has Python 3.11; its version is the first number of the image's tag."""
    header, _ = read(DEFINITION)
    assert header["from"].startswith("debian:12.")
    pinned = yaml.safe_load((REPOSITORY / "envs" / "image.yaml").read_text())["dependencies"][0]
    assert pinned.startswith("python=3.11.")


@pytest.mark.debian
@pytest.mark.slow
def test_the_definition_builds_and_runs_the_tiny_study_on_debian(make, tmp_path):
    """What Apptainer would do, in a bare Debian 12: copy %files, run %post, then %runscript."""
    if not os.environ.get("REQUIRE_HEAVY"):
        pytest.skip("takes 2 GB and some minutes; REQUIRE_HEAVY=1 runs it")
    need(shutil.which("debootstrap"), "debootstrap is not installed")
    need(os.geteuid() == 0, "only root can change the root folder")
    _, sections = read(DEFINITION)
    root, tree = tmp_path / "root", make.tree(tmp_path / "tree")
    mirror = "http://deb.debian.org/debian"
    subprocess.run(["debootstrap", "--variant=minbase", "bookworm", root, mirror], check=True)
    for line in sections["files"]:
        source, target = line.split()
        (root / target.lstrip("/")).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(REPOSITORY / source, root / target.lstrip("/"))
    shutil.copy2("/etc/resolv.conf", root / "etc")
    env = {"HOME": "/root", "PATH": "/usr/sbin:/usr/bin:/sbin:/bin"}
    if certificates := os.environ.get("SSL_CERT_FILE"):  # of a proxy in between
        shutil.copy2(certificates, root / "certificates.crt")
        env |= dict.fromkeys(("SSL_CERT_FILE", "PIP_CERT"), "/certificates.crt")
    (root / "study").mkdir()
    for name in ("post", "environment", "runscript", "test"):
        (root / f"{name}.sh").write_text("\n".join(sections[name]) + "\n")
    mounts = f"mount --bind /proc {root}/proc; mount --bind /dev {root}/dev; "
    mounts += f"mount --bind {tree} {root}/study; "

    def inside(script: str) -> str:
        command = ["unshare", "--mount", "sh", "-ec", f'{mounts} exec chroot {root} sh -exc "$0"']
        done = subprocess.run(
            [*command, script],
            env=env,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout
        return done.stdout

    inside(". /post.sh")
    inside(". /environment.sh; . /test.sh")
    arguments = "--cores 2 --configfile config/tiny.yaml"
    said = inside(f". /environment.sh; cd /study; set -- {arguments}; . /runscript.sh")
    assert "(100%) done" in said
    assert (tree / "results" / "report" / "index.html").exists()
