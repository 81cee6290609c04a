import pytest

from bonescan.data.annotation.label_mapping import read_mapping


def test_file_and_pairs_add_to_the_bundles_own_names(tmp_path):
    path = tmp_path / "mapping.yaml"
    path.write_text("Metastase: metastasis\nBlase: 2\nRippe: ignore\nKnie: 1\n")
    assert read_mapping(path, ["Knie=ignore", "a=b=bladder"]) == {
        "background": 0,
        "metastasis": 1,
        "bladder": 2,
        "Metastase": 1,
        "Blase": 2,
        "Rippe": None,
        "Knie": None,
        "a=b": 2,
    }


@pytest.mark.parametrize(
    ("text", "pairs", "message"),
    [
        ("- a\n", [], "mapping must hold lines NAME: VALUE"),
        ("a: &a x\nb: *a\n", [], "mapping must be without YAML aliases"),
        ("a: [1]\n", [], "mapping must hold lines NAME: VALUE"),
        ("a: " + "[" * 1500, [], "mapping must be a YAML file"),
        ("a: [\n", [], "mapping must be a YAML file"),
        ("a: tumour\n", [], "label must be one of background, metastasis, bladder, got 'tumour'"),
        ("{}", ["lesion"], "mapping of a label must be NAME=VALUE, got 'lesion'"),
    ],
)
def test_what_is_no_mapping_is_refused(tmp_path, text, pairs, message):
    path = tmp_path / "mapping.yaml"
    path.write_text(text)
    with pytest.raises(ValueError, match=message):
        read_mapping(path, pairs)
