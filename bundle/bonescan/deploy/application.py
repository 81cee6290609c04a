"""A folder with a DICOM study in; Segmentation, Structured Report and report of each scan out.

The SDK's own operators make a volume of a series: of a planar scan with two frames, a volume of two
slices. Ours reads the study as `bonescan infer` does, and writes what that writes.
"""

import logging
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from monai.deploy.conditions import CountCondition
from monai.deploy.core import (
    Application,
    ExecutionContext,
    Fragment,
    InputContext,
    Operator,
    OperatorSpec,
    OutputContext,
)

from bonescan.api import load
from bonescan.data.find import find_scans
from bonescan.errors import ScanError, one_line
from bonescan.keys import IMAGE
from bonescan.workflow.outputs import make_writers

logger = logging.getLogger(__name__)

SCANS = "scans"
"""Port: entries of the scans of a study, as bonescan.data.find.find_scans lists them."""


class StudyOperator(Operator):
    """List the scans of a study.

    Args:
        fragment: the application.
        conditions: when to run.
        study: folder of DICOM files.
    """

    def __init__(self, fragment: Fragment, *conditions: object, study: Path) -> None:
        self.study = study
        super().__init__(fragment, *conditions, name="study")

    def setup(self, spec: OperatorSpec) -> None:
        """Name the ports."""
        spec.output(SCANS)

    def compute(
        self, _inputs: InputContext, outputs: OutputContext, _context: ExecutionContext
    ) -> None:
        """List them.

        Raises:
            ScanError: if the folder holds no DICOM file.
        """
        outputs.emit(find_scans(self.study), SCANS)


class BoneScanOperator(Operator):
    """Find lesions in scans, and write the results of each into a folder of its own.

    Args:
        fragment: the application.
        run: folder of a training, or `models` of a packed bundle.
        output: folder to write to.
        identified: whether results name the patient.
    """

    def __init__(
        self, fragment: Fragment, *, run: Path, output: Path, identified: bool = False
    ) -> None:
        self.run = run
        self.output = output
        self.identified = identified
        super().__init__(fragment, name="bone_scan")

    def setup(self, spec: OperatorSpec) -> None:
        """Name the ports."""
        spec.input(SCANS)

    def start(self) -> None:
        """Load the system, once.

        Raises:
            FileNotFoundError: if the folder of the training lacks a file.
            ValueError: if the weights do not fit, or the run may hold code.
        """
        self.system = load(self.run)
        self.writers = make_writers(identified=self.identified)

    def compute(
        self, inputs: InputContext, _outputs: OutputContext, _context: ExecutionContext
    ) -> None:
        """Infer and write; a scan that fails does not keep the others from it.

        Raises:
            ScanError: if a scan failed, after all were tried.
        """
        entries: Sequence[Mapping[str, Any]] = inputs.receive(SCANS)
        failures = [reason for entry in entries if (reason := self._infer(entry))]
        logger.info("%d scans done, %d failed", len(entries) - len(failures), len(failures))
        if failures:
            raise ScanError("; ".join(failures))

    def _infer(self, entry: Mapping[str, Any]) -> str:
        """Write the results of a scan; return why that failed, "" where it did not."""
        try:
            result = self.system(entry[IMAGE])
            (self.output / result.scan_id).mkdir(parents=True, exist_ok=True)
            for write in self.writers:
                write(result, self.output)
        except (ScanError, OSError, ValueError) as err:
            logger.exception("a scan failed")
            return one_line(err)
        return ""


class BoneScanApplication(Application):
    """The application; input, output and model as the SDK's command line and variables name them.

    Args:
        argv: of the command line, the name of the program first.
        identified: whether results name the patient.
    """

    def __init__(self, argv: Sequence[str], *, identified: bool = False) -> None:
        self.identified = identified
        super().__init__([sys.executable, *argv])  # as it takes its own from sys

    def compose(self) -> None:
        """Connect the operators."""
        context = Application.init_app_context(self.argv)
        study = StudyOperator(
            self, CountCondition(self, 1), study=Path(context.input_path).absolute()
        )
        bone_scan = BoneScanOperator(
            self,
            run=Path(context.model_path).absolute(),
            output=Path(context.output_path).absolute(),
            identified=self.identified,
        )
        self.add_flow(study, bone_scan, {(SCANS, SCANS)})
