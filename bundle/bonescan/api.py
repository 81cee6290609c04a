"""Three lines for other programs: load a trained system, call it on a scan, use the result."""

import copy
import dataclasses
import warnings
from collections.abc import Sequence
from datetime import date
from pathlib import Path

import torch
from ignite.engine import Engine
from monai.bundle import ConfigParser
from monai.data import list_data_collate
from monai.engines import SupervisedEvaluator
from monai.inferers import Inferer
from monai.transforms import Compose
from torch import nn

from bonescan.data.scan_reference import file_names
from bonescan.errors import ScanError, root_cause
from bonescan.handlers.scan_outputs import make_result
from bonescan.handlers.weights import WeightsLoader
from bonescan.keys import IMAGE
from bonescan.metrics.calibration import Calibration
from bonescan.metrics.operating_point import read_operating_point
from bonescan.report.compared import compare_results
from bonescan.report.provenance import Provenance
from bonescan.report.scan_result import ScanResult
from bonescan.run_folder import OPERATING_POINT, SYSTEM, WEIGHTS
from bonescan.versions import utc_now
from bonescan.workflow.installation import find_configs
from bonescan.workflow.parts import make_region_steps
from bonescan.workflow.provenance import make_provenance
from bonescan.workflow.trust import check_system


class System:
    """A trained system in memory, to be called on scans; several threads may call it at once.

    Args:
        network: with its weights.
        inferer: how the network is applied to the views of a scan.
        preprocessing: from the name of a file to the network's input.
        postprocessing: from the network's output to label map and probabilities in acquisition
            geometry.
        provenance: what makes the results; each gets a date of its own.
        calibration: of probabilities.
        field: field that it searches for lesions, such as "thorax".
        device: where the network is.
    """

    def __init__(
        self,
        *,
        network: nn.Module,
        inferer: Inferer,
        preprocessing: Compose,
        postprocessing: Compose,
        provenance: Provenance,
        calibration: Calibration,
        field: str,
        device: torch.device,
    ) -> None:
        self.provenance = provenance
        self.calibration = calibration
        self.field = field
        self.device = device
        self._network = network.eval()
        self._inferer = inferer
        self._chains = (preprocessing, postprocessing)

    def __call__(
        self,
        scan: str | Path | Sequence[str | Path],
        *,
        earlier: Sequence[ScanResult] = (),
        therapy_start: date | None = None,
    ) -> ScanResult:
        """Find lesions in a scan, and what has changed since earlier ones.

        Args:
            scan: a DICOM or NIfTI file, the two files of a scan, or its folder; names may end in
                what a header does not tell (see bonescan.data.scan_reference).
            earlier: what this system made of earlier scans of the patient, in any order.
            therapy_start: first day of the therapy whose effect the scan shows, beside `earlier`.

        Returns:
            Counts, label map, probabilities and findings, in acquisition geometry.

        Raises:
            ScanError: if the files are no planar whole-body bone scan, or the field that the system
                assesses cannot be found; if an earlier scan cannot be compared
                (see bonescan.report.compared).
        """
        # Transforms keep a state while they are inverted, which threads must not share. One copy of
        # both chains: the second inverts the first.
        preprocessing, postprocessing = copy.deepcopy(self._chains)
        names = file_names(scan)
        try:
            sample = preprocessing({IMAGE: names if len(names) > 1 else names[0]})
        except RuntimeError as err:  # MONAI wraps what a transform raises
            cause = root_cause(err)
            raise (cause if isinstance(cause, ScanError) else err) from None
        evaluator = SupervisedEvaluator(
            device=self.device,
            val_data_loader=[list_data_collate([sample])],
            network=self._network,
            inferer=self._inferer,
            postprocessing=postprocessing,
            amp=self.device.type == "cuda",
        )
        evaluator.run()
        result = make_result(
            {**evaluator.state.batch[0], **evaluator.state.output[0]},
            field=self.field,
            provenance=dataclasses.replace(self.provenance, date=utc_now()),
            calibration=self.calibration,
        )
        if not earlier:
            return result
        return compare_results(result, earlier, therapy_start=therapy_start)


def load(
    run: str | Path,
    *,
    regions: str | Path | None = None,
    device: str | torch.device | None = None,
    trust: bool = False,
) -> System:
    """Load a trained system from the folder of its training.

    Args:
        run: the folder, with `system.json` and `model.pt`.
        regions: folder of a training of the overlay skeleton_regions; findings then name their
            bones.
        device: where to infer (see bonescan.workflow.devices); a GPU if there is one, if not given.
        trust: whether the run may bring a system of its maker's own, which is code.

    Raises:
        FileNotFoundError: if the folder lacks one of the files.
        ValueError: if the weights do not fit the system, there is no such device, or the run holds
            code and is not trusted.
    """
    run = Path(run)
    if not (run / SYSTEM).is_file():
        raise FileNotFoundError(f"run must be the folder of a training with {SYSTEM}, got {run}")
    if not trust:
        check_system(run / SYSTEM)
    parser = ConfigParser()
    parser.read_config([str(find_configs() / "inference.yaml"), str(run / SYSTEM)])
    point = parser["point"] = read_operating_point(run / OPERATING_POINT)
    # Before anything is instantiated, which resolves references in place.
    provenance = make_provenance(
        system=parser["name"],
        weights=run / WEIGHTS,
        regions_run=regions,
        operating_point=point.numbers,
        config=parser.get(),
    )
    if device is not None:
        parser["device"] = device
    parser["find_regions"] = make_region_steps(regions, parser.get_parsed_content("torch_device"))
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "NvImgCodecPydicomReader")  # of an optional package
        parts = {
            key: parser.get_parsed_content(key)
            for key in ("torch_device", "network", "inferer", "preprocessing", "postprocessing")
        }
    found = parts.pop("torch_device")
    weights = WeightsLoader(run / WEIGHTS, network=parts["network"], device=found)
    weights(Engine(lambda _engine, _batch: None))
    return System(
        provenance=provenance,
        calibration=point.calibration,
        field=parser["field"],
        device=found,
        **parts,
    )
