"""What the checks of MONAI's model zoo ask of a bundle, of every system."""

import json
import shutil

import pytest
import torch
from monai.bundle import ckpt_export, verify_metadata, verify_net_in_out

from bonescan.workflow.installation import find_systems
from bonescan.zoo.pack import pack
from tests.workflows import SCHEMA_HASH

REFUSED = ("lin2020_kmeans", "lin2020_mask_rcnn", "lin2020_mask_rcnn_att")
"""As tests/zoo/test_pack.py shows."""
SYSTEMS = [path.stem for path in find_systems() if path.stem not in REFUSED]
pytestmark = [
    pytest.mark.usefixtures("_as_it_stands"),
    pytest.mark.filterwarnings("ignore:`torch.jit:FutureWarning"),
    # of MONAI's DynUNet, which compiles all the same
    pytest.mark.filterwarnings("ignore:The TorchScript type system:UserWarning"),
]


@pytest.mark.slow
@pytest.mark.parametrize("name", SYSTEMS)
def test_a_bundle_passes_the_checks_of_the_zoo(name, trained_system, reference_data, tmp_path):
    bundle = pack(trained_system(name), tmp_path, name=name, version="1.0.0").bundle
    configs = bundle / "configs"
    metadata, inference = (str(configs / f"{part}.json") for part in ("metadata", "inference"))
    assert "1.0.0" in json.loads((configs / "metadata.json").read_text())["changelog"]
    schema = tmp_path / "schema.json"
    shutil.copy(reference_data / "meta_schema_20240725.json", schema)
    verify_metadata(meta_file=metadata, filepath=str(schema), **SCHEMA_HASH)
    verify_net_in_out(net_id="network_def", config_file=inference, meta_file=metadata, device="cpu")
    ckpt_export(
        net_id="network_def",
        config_file=inference,
        meta_file=metadata,
        ckpt_file=str(bundle / "models" / "model.pt"),
        filepath=str(tmp_path / "model.ts"),
    )
    assert isinstance(torch.jit.load(tmp_path / "model.ts"), torch.jit.ScriptModule)
