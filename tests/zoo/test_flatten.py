"""One configuration of several."""

import pytest
from monai.bundle import ConfigParser

from bonescan.zoo.flatten import find_itself, find_targets, flatten

BASE = """
bundle_root: .
size: [3, 5]
load:
- {_target_: EnsureTyped, keys: image}
keep:
- {_target_: CopyItemsd, keys: image, names: counts}
preprocess:
- {_target_: SpatialPadd, keys: image, spatial_size: '@size'}
- {_target_: ScaleIntensityRanged, keys: image, a_min: 0, a_max: 4, b_min: 0, b_max: 1}
alias: '@preprocess'
preprocessing: {_target_: Compose, transforms: $@load + @keep + @alias}
validate:
  preprocessing: {_target_: Compose, transforms: $@load + @preprocess}
restore: {_target_: Invertd, keys: image, orig_keys: image, transform: '@preprocessing'}
initialize:
- $import sys
- $sys.path.append(@bundle_root + '/bundle')
- $import json
"""


@pytest.fixture
def files(tmp_path):
    (tmp_path / "base.yaml").write_text(BASE)
    (tmp_path / "system.json").write_text('{"size": [4, 7]}')
    return [tmp_path / "base.yaml", tmp_path / "system.json"]


def test_chains_are_written_out_and_their_parts_are_places_in_the_first(files):
    config = flatten(files, {})
    chain = config["preprocessing"]["transforms"]
    assert [step["_target_"] for step in chain] == [
        "EnsureTyped", "CopyItemsd", "SpatialPadd", "ScaleIntensityRanged",
    ]  # fmt: skip
    assert config["preprocess"] == [f"@preprocessing#transforms#{number}" for number in (2, 3)]
    assert config["alias"] == "@preprocess"
    other = config["validate"]["preprocessing"]["transforms"]
    assert other == [chain[0], *chain[2:]]


def test_what_it_makes_is_what_the_files_make(files):
    flat = ConfigParser(flatten(files, {"size": [6, 8]}))
    chain, part = flat.get_parsed_content("preprocessing"), flat.get_parsed_content("preprocess")
    assert chain.transforms[2] is part[0], "an inverse finds the transform that was applied"
    padded = chain({"image": [[[4.0, 2.0]]]})
    assert padded["image"].shape == (1, 6, 8)
    assert padded["image"].max() == 1
    assert tuple(padded["counts"].shape) == (1, 1, 2)


def test_a_list_that_a_component_makes_is_one_step(tmp_path):
    text = """
made: {_target_: tests.zoo.fakes.make_steps, factor: 3}
first:
- {_target_: EnsureTyped, keys: image}
chain: {_target_: Compose, transforms: $@first + @made}
initialize: []
"""
    (tmp_path / "made.yaml").write_text(text)
    config = flatten([tmp_path / "made.yaml"], {})
    assert config["chain"]["transforms"][1] == {"_target_": "Compose", "transforms": "@made"}
    chain = ConfigParser(config).get_parsed_content("chain")
    assert chain({"image": [2.0]})["image"].tolist() == [6.0]


def test_a_bundle_looks_for_itself_before_anything_else():
    ours = ["$import sys", "$sys.path.append(@bundle_root + '/bundle')", "$import json"]
    steps = find_itself(ours)
    assert steps[:2] == ["$import sys", "$import traceback"]
    assert "sys.path.insert" in steps[2]
    assert steps[3:] == ["$import json"]


def test_components_of_ours_are_found_wherever_they_are_named():
    config = {
        "a": {"_target_": "bonescan.networks.UNet", "act": "RELU"},
        "b": [{"reader": "bonescan.data.reader.BoneScanReader"}],
        "c": "$bonescan.labels.LABEL_NAMES",
        "d": 3,
    }
    assert find_targets(config) == {
        "bonescan.networks.UNet",
        "bonescan.data.reader.BoneScanReader",
        "bonescan.labels.LABEL_NAMES",
    }
