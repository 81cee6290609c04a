"""The part of the package that travels."""

import ast

import pytest

from bonescan.zoo.package import LEFT_OUT, copy_package


@pytest.mark.usefixtures("_as_it_stands")
def test_nothing_that_is_copied_imports_what_is_not(tmp_path):
    copied = copy_package(tmp_path, ["bonescan.networks.UNetRes", "bonescan.data.reader"])
    assert (tmp_path / "bonescan" / "dicom" / "content.npz").is_file()
    assert (tmp_path / "bonescan" / "api.py").is_file()
    assert (tmp_path / "bonescan" / "report" / "strings" / "en.yaml").is_file()
    assert (tmp_path / "bonescan" / "report" / "page" / "template" / "page.css").is_file()
    rooms = {path.parts[1] for path in copied if len(path.parts) > 2}
    assert not rooms & set(LEFT_OUT)
    for path in copied:
        for node in ast.parse((tmp_path / path).read_text()).body:
            if isinstance(node, ast.ImportFrom) and node.module.startswith("bonescan."):
                place = tmp_path.joinpath(*node.module.split("."))
                assert place.is_dir() or place.with_suffix(".py").is_file(), (path, node.module)


@pytest.mark.parametrize(
    "target",
    ["bonescan.phantom.bank.summarise_bank", "bonescan.prepare.bank_patients.BankPatients"],
)
def test_a_component_that_simulates_is_refused(tmp_path, target):
    with pytest.raises(ValueError, match=f"{target} cannot be packed"):
        copy_package(tmp_path, ["bonescan.networks.UNet", target])


@pytest.mark.parametrize("target", ["bonescan.networks.Net", "bonescan.handlers.board.Board"])
def test_a_component_that_this_version_does_not_have_is_refused(tmp_path, target):
    with pytest.raises(ValueError, match=rf"^{target} must be a component of bonescan [\d.]+, whi"):
        copy_package(tmp_path, ["bonescan.networks.UNet", target])
    assert not list(tmp_path.iterdir())
