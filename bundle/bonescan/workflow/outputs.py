"""What configs/inference.yaml writes of each scan, for programs that infer by themselves."""

from monai.bundle import ConfigParser

from bonescan.report.writers import ScanWriter
from bonescan.workflow.installation import find_configs


def make_writers(*, identified: bool = False) -> list[ScanWriter]:
    """Make the writers that configs/inference.yaml lists, in its order.

    Args:
        identified: whether results name the patient.
    """
    parser = ConfigParser()
    parser.read_config(str(find_configs() / "inference.yaml"))
    parser["identified"] = identified
    writers: list[ScanWriter] = parser.get_parsed_content("outputs")
    return writers
