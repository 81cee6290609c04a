from pathlib import Path

import pytest
from monai.bundle import ConfigParser

from bonescan.workflow.arguments import literal, make_arguments
from bonescan.workflow.command import parse_command

ODD = [
    "$x", "@seed", "%seed", "a#b", "a::b", "2024", "1e5", "True", "None", "a,b", "[a]", "{a: 1}",
    "'q'", '"q"', "back\\slash", "-x", "--x", "a=b", "(1)", "line\nfeed", "£ 5", "run",
]  # fmt: skip


@pytest.mark.parametrize("text", ODD)
def test_a_literal_is_read_as_the_text_alone_and_in_expressions(text, tmp_path):
    config = tmp_path / "config.json"
    config.write_text('{"seed": 1, "folder": "", "file": "$@folder + \'/x\'"}')
    arguments = make_arguments("training", [config], values={"folder": text})
    command = parse_command(arguments)
    assert command.arguments["run_id"] == "training"
    parser = ConfigParser(ConfigParser.load_config_files(list(command.config_files)))
    parser.update(pairs=dict(command.overrides))
    assert parser.get_parsed_content("folder") == text
    assert parser.get_parsed_content("file") == f"{text}/x"


@pytest.mark.parametrize("text", ["data/cohort", "a b/c-d_1.dcm", "./x", "/abs/ölung.dcm"])
def test_ordinary_paths_stay_legible(text):
    assert literal(Path(text)) == str(Path(text))


def test_a_list_of_paths_is_read_as_the_paths(tmp_path):
    config = tmp_path / "config.json"
    config.write_text('{"earlier": null, "seed": 1, "copy": "@earlier"}')
    arguments = make_arguments("inference", [config], values={"earlier": [*ODD, "a b/c.dcm"]})
    command = parse_command(arguments)
    parser = ConfigParser(ConfigParser.load_config_files(list(command.config_files)))
    parser.update(pairs=dict(command.overrides))
    assert parser.get_parsed_content("copy") == [*ODD, "a b/c.dcm"]


def test_settings_are_typed_and_none_is_left_out():
    arguments = make_arguments(
        "training", [Path("a.yaml"), Path("b,c.yaml")],
        values={"seed": 3, "fold": None, "resume": True}, settings=["width=8", "size=[3,2]"],
    )  # fmt: skip
    command = parse_command(arguments)
    assert command.config_files == ("a.yaml", "b,c.yaml")
    assert dict(command.overrides) == {"seed": 3, "resume": True, "width": 8, "size": [3, 2]}
