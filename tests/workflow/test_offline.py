"""A study of generated images needs no network."""

import shutil
import subprocess

import pytest

NOWHERE = "http://127.0.0.1:9"


@pytest.mark.slow
def test_the_phantom_study_runs_without_network(make, tmp_path):
    """The shipped config with one of its methods, since the others fetch nothing more."""
    study = make.plate(tmp_path / "drawn")
    study.folder = study.repository = make.tree(tmp_path / "clone")
    alone = ["unshare", "--map-root-user", "--net"]
    possible = (
        shutil.which("unshare")
        and not subprocess.run([*alone, "true"], capture_output=True, check=False).returncode
    )
    proxies = {name: NOWHERE for name in ("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy")}
    outcome = study.run(
        "--configfile=config/phantom.yaml",
        "--config",
        'use_methods=["distance-watershed"]',
        before=alone if possible else [],
        env=proxies | {"PIP_NO_INDEX": "1"},
    )
    assert "default" in outcome.output
    page = study.path("results", "report", "index.html").read_text()
    assert "Phantoms of known volume" in page
    assert "3 images in 3 samples" in " ".join(page.split())
    sources = [path for path in study.path("resources").rglob("*.source.json")]
    assert len(sources) == 3
