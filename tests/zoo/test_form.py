"""The form of the model zoo."""

import json
import sys

import black
import isort
import pytest

from bonescan.zoo.form import format_code, format_json
from bonescan.zoo.pack import pack

MODULE = '''"""A module."""
import json
from bonescan.keys import IMAGE
from collections.abc import Sequence
import monai


def join(
    first: Sequence[str],
    second: Sequence[str],
) -> list[str]:
    return [*first, json.dumps(IMAGE), monai.__version__, *second, 'a string that is rather long']
'''


def test_code_is_what_the_programs_of_the_zoo_leave_as_it_is():
    found = format_code(MODULE)
    assert "def join(first: Sequence[str], second: Sequence[str]) -> list[str]:\n" in found
    assert "'" not in found
    order = [found.index(f"import {name}") for name in ("json", "Sequence", "monai", "IMAGE")]
    assert order == sorted(order)
    assert "import monai\nfrom bonescan" in found
    mode = black.Mode(line_length=120, magic_trailing_comma=False)
    assert black.format_str(found, mode=mode) == found == format_code(found)
    assert isort.check_code(found, profile="black", line_length=120)


def test_packing_without_the_extra_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "black", None)
    with pytest.raises(ValueError, match=r"install 'bone-scan-bundle\[pack\]'"):
        format_code("x = 1  # that nobody formatted before\n")


def test_json_is_what_the_hook_of_the_zoo_leaves_as_it_is():
    content = {"b": [1, {"name": "Müller"}], "a": []}
    text = format_json(content)
    assert text.isascii()
    assert text.endswith("}\n")
    assert '\n    "b": [\n        1,' in text
    assert json.loads(text) == content
    with pytest.raises(ValueError, match="not JSON compliant"):
        format_json({"a": float("nan")})


@pytest.mark.slow
def test_the_code_in_a_bundle_passes_the_formatters_of_the_zoo(trained_system, tmp_path):
    bundle = pack(trained_system("lin2020_unet"), tmp_path, name="net", version="1.0.0").bundle
    mode = black.Mode(line_length=120, magic_trailing_comma=False)
    order = isort.Config(profile="black", line_length=120, known_third_party=["bonescan"])
    for path in sorted(bundle.rglob("*.py")):
        text = path.read_text(encoding="utf-8")
        assert isort.check_code(text, config=order), path
        assert black.format_str(text, mode=mode) == text, path
