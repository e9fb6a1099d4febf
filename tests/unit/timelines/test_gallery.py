"""The gallery: a picture and sentences for each scenario that is asked for, made by the tool as documentation does."""

from __future__ import annotations

import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path
from typing import Final

import kubesim
from kubesim.timelines.plot import plot, save

ROOT: Final = Path(__file__).parents[3]


def made(folder: Path, *names: str) -> str:
    command = [sys.executable, str(ROOT / "tools" / "gallery.py"), "--folder", str(folder), *names]
    subprocess.run(command, check=True, capture_output=True, text=True, cwd=ROOT)
    return (folder / "gallery.md").read_text(encoding="utf-8")


def test_each_scenario_has_its_sentences_and_its_picture(tmp_path: Path) -> None:
    page = made(tmp_path, "grace-runs-out", "retries-never")
    assert "## Pods\n" in page
    assert "## Jobs\n" in page
    assert "- On 1.28 app never starts: it waits for the init container proxy; on 1.29 it starts after" in page
    assert "([the file](../scenarios/jobs/retries-never.yaml))" in page
    for name in ("grace-runs-out", "jobs-retries-never"):
        assert f"(gallery/{name}.svg)" in page
        picture = tmp_path / "gallery" / f"{name}.svg"
        assert "1.28" in words_of(picture), "words stay words"


def words_of(picture: Path) -> list[str | None]:
    return [text.text for text in ElementTree.parse(picture).iter("{http://www.w3.org/2000/svg}text")]


def test_the_picture_of_the_readme_is_current(tmp_path: Path) -> None:
    scenario = kubesim.load(ROOT / "scenarios" / "grace-runs-out.yaml")
    runs = [kubesim.run(scenario, release=release, gates={"SidecarContainers": True}) for release in ("1.28", "1.29")]
    save(plot(runs), tmp_path / "now.svg")
    kept = ROOT / "docs" / "images" / "grace-runs-out.svg"
    assert words_of(kept) == words_of(tmp_path / "now.svg"), "run: make gallery"


def test_the_same_scenario_gives_the_same_bytes(tmp_path: Path) -> None:
    made(tmp_path / "one", "demo")
    made(tmp_path / "other", "demo")
    one, other = (tmp_path / name / "gallery" / "demo.svg" for name in ("one", "other"))
    assert one.read_bytes() == other.read_bytes()
