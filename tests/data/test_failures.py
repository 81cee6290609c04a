import pytest
import torch
from monai.data import DataLoader
from monai.transforms import Compose, Lambdad, LoadImaged

from bonescan.data.failures import TolerantDataset, tolerant_collate
from bonescan.keys import FAILURE, IMAGE_PATH
from tests.factories import make_scan_file


def fail(_):
    raise TypeError("two\nlines")


def test_failures_are_records_and_the_rest_goes_on(tmp_path, caplog):
    good = str(make_scan_file(tmp_path / "good.dcm"))
    gone = [str(tmp_path / "gone.dcm"), str(tmp_path / "also.dcm")]
    chain = Compose([LoadImaged("image", reader="bonescan.data.reader.BoneScanReader")])
    dataset = TolerantDataset([{"image": gone}, {"image": good}], chain)
    loader = DataLoader(dataset, batch_size=1, collate_fn=tolerant_collate)
    failure, batch = list(loader)
    assert failure == {
        FAILURE: f"gone.dcm: no such file in {tmp_path}",
        IMAGE_PATH: ", ".join(gone),
    }
    assert batch["image"].shape == (1, 2, 60, 26)
    assert "scan 1 of 2 left out: gone.dcm: no such file" in caplog.text


def test_failures_of_any_transform(tmp_path):
    dataset = TolerantDataset([{"image": torch.zeros(1)}], Compose([Lambdad("image", fail)]))
    assert dataset[0][FAILURE] == "TypeError: two lines"


def test_collate_takes_one_scan():
    with pytest.raises(ValueError, match="batch must hold one scan, got 2; set batch_size: 1"):
        tolerant_collate([{}, {}])
