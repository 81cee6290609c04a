"""The steps of a comparison: each is done once, and what it found is kept."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from bonescan.files import write_json
from bonescan.workflow.installation import find_configs
from bonescan.workflow.run_record import git_revision

STEPS_FILE = "steps.json"


class Steps:
    """Steps of a comparison in its folder.

    Args:
        folder: of the comparison; it is made where there is none.
        settings: what the comparison is of, ready for JSON.
        announce: is told a line about each step.

    Raises:
        ValueError: if the folder holds a comparison of other settings.
    """

    def __init__(
        self, folder: Path, settings: Mapping[str, Any], *, announce: Callable[[str], None]
    ) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.path = folder / STEPS_FILE
        self.announce = announce
        self.state: dict[str, Any] = {"settings": dict(settings), "done": {}, "revisions": []}
        if self.path.is_file():
            self.state = json.loads(self.path.read_text(encoding="utf-8"))
        before = self.state["settings"]
        changed = sorted(key for key in settings if before.get(key) != settings[key])
        if changed:
            raise ValueError(
                f"{self.path}: folder must hold this comparison, but it is one of another "
                f"{', '.join(changed)}; give another folder"
            )

    @property
    def settings(self) -> dict[str, Any]:
        """What the comparison is of."""
        return self.state["settings"]

    @property
    def revisions(self) -> list[str]:
        """Revisions of the code that did the steps."""
        return self.state["revisions"]

    def do(self, name: str, step: Callable[[], Mapping[str, Any]]) -> dict[str, Any]:
        """Do a step unless it is done.

        Returns:
            What it found.
        """
        if name in self.state["done"]:
            self.announce(f"{name}: done before")
        else:
            self.announce(f"{name} ...")
            self.state["done"][name] = dict(step())
            revision = str(git_revision(find_configs().parent))
            self.state["revisions"] = sorted({*self.revisions, revision})
            write_json(self.path, self.state)
        return self.state["done"][name]
