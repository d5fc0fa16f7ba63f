"""The repository as others get it, and its Dockerfile as steps."""

import json
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Step:
    """One instruction: `RUN`, and what it says."""

    name: str
    text: str

    def words(self) -> list[str]:
        """Return the words, be they written as JSON or not."""
        if self.text.startswith("["):
            return [str(word) for word in json.loads(self.text)]
        return self.text.split()


def dockerfile() -> list[Step]:
    """Return the Dockerfile's instructions in their order."""
    lines = [line for line in (ROOT / "Dockerfile").read_text("utf-8").splitlines() if not line.startswith("#")]
    joined = re.sub(r"\\\n", "", "\n".join(lines))
    parted = [line.split(None, 1) for line in joined.splitlines() if line.strip()]
    return [Step(name, text.strip()) for name, text in parted]


def steps(name: str) -> list[Step]:
    """Return the instructions of one kind."""
    return [step for step in dockerfile() if step.name == name]


def health_command() -> list[str]:
    """Return what HEALTHCHECK runs."""
    text = steps("HEALTHCHECK")[0].text
    return [str(word) for word in json.loads(text[text.index("CMD ") + 4 :])]


def kept() -> list[str]:
    """Return the files a clone has: known to git, or new and not ignored; all files where there is no git."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    if listed.returncode == 0:
        return [name for name in listed.stdout.split("\0") if name and (ROOT / name).is_file()]
    return [path.relative_to(ROOT).as_posix() for path in ROOT.rglob("*") if path.is_file()]


def below(source: str) -> list[str]:
    """Return the files of a clone that a COPY source stands for."""
    return [name for name in kept() if name == source or name.startswith(f"{source}/")]


def copy(step: Step, workdir: Path) -> None:
    """Carry out a COPY as Docker does: a folder's contents into the target, a file by its name into a folder."""
    source, target = step.words()
    for name in below(source):
        rest = name.removeprefix(source).lstrip("/") or Path(name).name
        place = workdir / target / rest
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(ROOT / name, place)
