import json

import pytest

from bonescan.run_folder import LAST_STATE
from bonescan.workflow.preflight import Preflight, check_output_dir, require_pixels


def test_existing_training_is_not_overwritten(cohort, trained):
    before = (trained / LAST_STATE).read_bytes()
    with pytest.raises(
        FileExistsError, match=r"already holds a training; go on with it by --resume"
    ):
        Preflight(output_dir=trained, training=True).check()
    assert (trained / LAST_STATE).read_bytes() == before


def test_unwritable_output(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OSError, match=r"cannot be written .* give another --output_dir"):
        check_output_dir(tmp_path / "file" / "run")


def test_full_disk(tmp_path):
    with pytest.raises(OSError, match=r"must have .* GB of free space, got"):
        check_output_dir(tmp_path, min_free_bytes=10**18)


def test_missing_file_is_told_before_anything_is_made(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"run/model\.pt do not exist.*--run_dir"):
        Preflight(output_dir=tmp_path / "run", weights=tmp_path / "run" / "model.pt").check()
    assert not list(tmp_path.iterdir())


class TestDatalist:
    def broken(self, cohort, tmp_path, change):
        content = json.loads((cohort / "datalist.json").read_text())
        for section in ("training", "test"):
            for entry in content[section]:
                for key in ("image", "label", "instances", "benign", "regions"):
                    names = [entry[key]] if isinstance(entry[key], str) else entry[key]
                    entry[key] = [str(cohort / name) for name in names]
                    if len(entry[key]) == 1:
                        entry[key] = entry[key][0]
        change(content)
        (tmp_path / "datalist.json").write_text(json.dumps(content))
        return Preflight(output_dir=tmp_path, datalist=tmp_path / "datalist.json")

    def test_good_one_passes(self, cohort, tmp_path):
        self.broken(cohort, tmp_path, lambda content: None).check()

    def test_missing(self, tmp_path):
        with pytest.raises(ValueError, match=r"no such datalist; name a file such as"):
            Preflight(output_dir=tmp_path, datalist=tmp_path / "datalist.json").check()

    def test_missing_file(self, cohort, tmp_path):
        def change(content):
            content["training"][1]["label"] = "nowhere.nii.gz"

        with pytest.raises(ValueError, match=r"1 file.* do not exist, .*nowhere\.nii\.gz"):
            self.broken(cohort, tmp_path, change).check()

    def test_patient_on_both_sides(self, cohort, tmp_path):
        def change(content):
            content["test"][0]["patient"] = content["training"][0]["patient"]

        with pytest.raises(ValueError, match=r"patient must be in one section"):
            self.broken(cohort, tmp_path, change).check()

    def test_empty(self, cohort, tmp_path):
        def change(content):
            content["training"] = content["test"] = []

        with pytest.raises(ValueError, match=r"datalist is empty"):
            self.broken(cohort, tmp_path, change).check()


def test_a_system_without_pixels_is_not_applied_to_scans():
    require_pixels(["a transform"])
    with pytest.raises(ValueError, match="must say which pixels are metastasis, got one that says"):
        require_pixels([])
