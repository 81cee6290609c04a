"""nnU-Net's commands, called in whatever environment it is installed in."""

import os
import shutil
import subprocess
import sys
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

PYTHON_VARIABLE = "BONESCAN_NNUNET_PYTHON"
"""Environment variable: the Python of an environment that has nnU-Net."""
PACKAGE = "nnunetv2"
TESTED = "2.8.1"
LAST_LINES = 5
"""Of a log, that an error shows."""
_VERSION = f"import importlib.metadata; print(importlib.metadata.version({PACKAGE!r}))"

OnLine = Callable[[str, psutil.Process], None]


def pass_over(_line: str, _process: psutil.Process) -> None:
    """Do nothing with a line."""


@dataclass(frozen=True)
class NnUNet:
    """An installation of nnU-Net v2.

    Attributes:
        folder: with its commands.
        version: of the package.
    """

    folder: Path
    version: str

    @property
    def name(self) -> str:
        """What tables call it."""
        return f"nnU-Net v{self.version}"

    def call(
        self,
        command: str,
        arguments: Sequence[str],
        *,
        environment: Mapping[str, str],
        log: Path,
        on_line: OnLine = pass_over,
    ) -> None:
        """Run a command to its end; all that it prints is added to a log.

        Args:
            command: such as `nnUNetv2_train`.
            arguments: of it.
            environment: variables beside those of this process.
            log: file; its folder exists.
            on_line: is given each line without its end as soon as it is printed, and the process.

        Raises:
            RuntimeError: if it fails; shows the log's last lines.
            KeyboardInterrupt: if it is interrupted; the command is ended, too.
        """
        words = [str(self.folder / command), *arguments]
        last: deque[str] = deque(maxlen=LAST_LINES)
        variables = {**os.environ, **environment, "PYTHONUNBUFFERED": "1"}
        with (
            log.open("a", buffering=1, encoding="utf-8") as file,  # by lines: a kill loses none
            subprocess.Popen(  # noqa: S603
                words,
                env=variables,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                errors="replace",
            ) as process,
        ):
            assert process.stdout is not None  # noqa: S101 - it is a pipe
            watched = psutil.Process(process.pid)
            try:
                for raw in process.stdout:
                    line = raw.rstrip("\n")
                    file.write(raw)
                    last.append(line)
                    on_line(line, watched)
            except BaseException:
                process.terminate()
                raise
        if process.returncode:
            shown = " | ".join(line.strip() for line in last if line.strip()) or "nothing printed"
            raise RuntimeError(
                f"{command} failed with exit code {process.returncode}; see {log}, which ends: "
                f"{shown}"
            )


def find_nnunet(python: Path | None = None) -> NnUNet:
    """Find nnU-Net where it is said to be, else in this environment.

    Args:
        python: of its environment; that of PYTHON_VARIABLE, then this process's, if not given.

    Raises:
        ValueError: if nnU-Net is not installed there.
    """
    chosen = python or Path(os.environ.get(PYTHON_VARIABLE) or sys.executable)
    advice = (
        f"install it with `pip install {PACKAGE}=={TESTED}` (extra peers), or name the Python of "
        f"an environment that has it by --nnunet-python or {PYTHON_VARIABLE}"
    )
    if shutil.which(chosen) is None:
        raise ValueError(f"Python of nnU-Net must be a program, got {str(chosen)!r}: {advice}")
    asked = subprocess.run(  # noqa: S603
        [str(chosen), "-c", _VERSION], capture_output=True, text=True, check=False
    )
    folder = Path(str(shutil.which(chosen))).absolute().parent
    if asked.returncode or not (folder / "nnUNetv2_train").is_file():
        raise ValueError(f"{chosen} must have nnU-Net v2, but {PACKAGE} is not there: {advice}")
    return NnUNet(folder, asked.stdout.strip())
