import json

import pytest
from monai.bundle import ConfigParser

from bonescan.run_folder import SYSTEM
from bonescan.workflow.command import lay_files
from bonescan.workflow.installation import find_configs, find_systems
from bonescan.workflow.run_record import SYSTEM_KEYS
from bonescan.workflow.trust import check_system, is_known_text

SYSTEMS = find_systems()


def write(folder, content):
    path = folder / SYSTEM
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return path


@pytest.mark.parametrize("file", SYSTEMS, ids=lambda file: file.stem)
def test_every_system_of_the_project_passes(file, tmp_path):
    files = [*lay_files([str(find_configs() / "train.yaml")], [file]), str(file)]
    config = ConfigParser.load_config_files(files)
    check_system(write(tmp_path, {key: config[key] for key in SYSTEM_KEYS}))


@pytest.mark.parametrize(
    "system",
    [
        {},
        {"name": "Mine", "width": 8, "size": [320, 128], "norm": "batch"},
        {"name": "$'\\U000000e4 b'", "network_def": {"_target_": "bonescan.networks.DualPool"}},
        {"preprocess": [{"_target_": "bonescan.transforms.ThoraxCropd", "_mode_": "callable"}]},
        {"inferer": "@other", "memory_format": "$torch.channels_last"},
    ],
)
def test_data_pass(system, tmp_path):
    check_system(write(tmp_path, system))


@pytest.mark.parametrize(
    ("system", "told"),
    [
        ({"name": "$__import__('os').system('touch x')"}, r"name \"\$__import__\('os'\)"),
        ({"name": "$'a' + open('x').read()"}, "name"),
        ({"name": "$'a' 'b'.join(x)"}, "name"),
        ({"paper": {"width": ["$exec('x')"]}}, "width"),
        ({"size": "%/etc/passwd"}, "size"),
        ({"report": "%other.json::run"}, "report"),
        ({"network_def": {"_target_": "os.system", "command": "x"}}, "_target_ 'os.system'"),
        ({"network_def": {"_target_": "torch.load", "f": "evil.pt"}}, "_target_"),
        ({"network_def": {"_target_": "torch.nn.parallel.distributed.os.system"}}, "_target_"),
        ({"network_def": {"_target_": "bonescan.networks.unet.torch.load"}}, "_target_"),
        ({"network_def": {"_target_": "bonescan.networks.weights"}}, "_target_"),
        ({"network_def": {"_target_": "download_url"}}, "_target_"),
        ({"load": [{"_target_": "LoadImaged", "reader": "exec"}]}, "reader 'exec'"),
        ({"load": [{"_target_": "LoadImaged", "_mode_": "debug"}]}, "_mode_"),
        ({"initialize": []}, r"only the keys of a system, got \['initialize'\]"),
        ({"load#0#_target_": "os.system"}, "only the keys"),
        ({"+load": ["x"]}, "only the keys"),
    ],
)
def test_code_is_refused_with_what_to_do(system, told, tmp_path):
    path = write(tmp_path, system)
    with pytest.raises(ValueError, match=rf"{SYSTEM}: .*{told}.*; it may be code: .*--trust"):
        check_system(path)


@pytest.mark.parametrize("content", ["{", "[1]", "[" * 100_000, '{"size": 1' + "0" * 5000 + "}"])
def test_a_damaged_file_is_refused(content, tmp_path):
    with pytest.raises(ValueError, match=rf"{SYSTEM}: "):
        check_system(write(tmp_path, content))


@pytest.mark.parametrize(
    ("text", "known"),
    [
        ("data/cohort", True),
        ("$@dataset_dir + '/few.json'", True),
        ("$@dataset_dir + '/datalist.json'", True),
        ("$@dataset_dir + open('x').read()", False),
        ("$print(1)", False),
    ],
)
def test_known_texts(text, known):
    assert is_known_text(text) == known
