import numpy as np

from bonescan.commands import main
from bonescan.data.nifti import read_view_stack
from tests.data.annotation.labelme_files import make_cohort, random_label


def run(command, *words):
    return main(["nnunet", command, *(str(word) for word in words)])


def test_there_and_back(tmp_path, capsys):
    datalist = make_cohort(tmp_path / "scans", [random_label(seed) for seed in range(3)])
    dataset, output = tmp_path / "Dataset901_Bone", tmp_path / "out"
    words = ("--datalist", datalist, "--dataset", dataset)
    assert run("export", *words, "--format", ".nii.gz", "--mirror-posterior") == 0
    back = ("--predictions", dataset / "labelsTr", "--output", output)
    assert run("import", *words, *back) == 0
    assert "3 label maps" in capsys.readouterr().out
    np.testing.assert_array_equal(read_view_stack(output / "p2_scan.nii.gz").array, random_label(2))
    assert run("export", *words) == 1
    assert "must be empty" in capsys.readouterr().err
