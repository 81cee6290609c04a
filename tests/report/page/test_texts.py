import ast
import gettext
import re
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from string import Formatter

import pytest
import yaml

from bonescan.dicom.scan import ContentCheck, View, ViewSource
from bonescan.labels import REGION_GROUPS, REPORT_SITES
from bonescan.measures.bone_scan_index import Merge
from bonescan.measures.change import LesionState
from bonescan.measures.progression import Reason, RuleState
from bonescan.measures.quality import Edge, FlagCode
from bonescan.notice import RESEARCH_USE
from bonescan.report.page.texts import Texts, load_texts
from tests.workflows import ROOT

SOURCES = sorted((ROOT / "bundle/bonescan/report/page").glob("*.py"))
TEMPLATE = ROOT / "bundle/bonescan/report/page/template/page.html.j2"
FOLDER = Path(str(files("bonescan.report") / "strings"))
LANGUAGES = sorted(path.stem for path in FOLDER.glob("*.yaml"))
RULES = {"plural_forms", "decimal_point", "thousands"}
GROUPS = {
    "region": (*REGION_GROUPS, "unknown"),
    "view": tuple(View),
    "site": REPORT_SITES,
    "views": ("both", *View),
    "images.view": tuple(View),
    "images.side": ("R", "L"),
    "burden.merge": tuple(Merge),
    "word": (*ViewSource, *Edge),
    "state": tuple(LesionState),
    "rule": tuple(RuleState),
    "reason": tuple(Reason),
    "made.content": tuple(ContentCheck),
    "identity": ("name", "id", "birth_date", "study_date"),
}
"""Texts whose names come from a table."""


def read(language: str) -> dict:
    return yaml.safe_load((FOLDER / f"{language}.yaml").read_text())


def forms(value: str | list[str]) -> list[str]:
    return value if isinstance(value, list) else [value]


def placeholders(form: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(form) if name is not None}


def calls() -> Iterator[tuple[str, str, set[str] | None]]:
    """Yield method, key and keywords of each call with a constant key; None for ** in it."""
    for path in SOURCES:
        for node in ast.walk(ast.parse(path.read_text())):
            if not (isinstance(node, ast.Call) and node.args):
                continue
            function, first = node.func, node.args[0]
            plain = isinstance(function, ast.Name) and function.id in {"texts", "say"}
            own = plain or (isinstance(function, ast.Attribute) and function.attr == "_texts")
            count = isinstance(function, ast.Attribute) and function.attr == "count"
            if (own or count) and isinstance(first, ast.Constant) and isinstance(first.value, str):
                names = {keyword.arg for keyword in node.keywords}
                known = None if None in names else {str(name) for name in names}
                yield "count" if count else "call", first.value, known
    for key, keywords in re.findall(r'say\(["\']([\w.]+)["\'](.*?)\)', TEMPLATE.read_text()):
        yield "call", key, set(re.findall(r"(\w+)=", keywords))


def literals() -> set[str]:
    found = {
        node.value
        for path in SOURCES
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
    return found | set(re.findall(r'["\']([\w.]+)["\']', TEMPLATE.read_text()))


def test_every_text_that_is_asked_for_exists_and_gets_its_values():
    strings = read("en")
    found = list(calls())
    assert len(found) > 60
    for method, key, keywords in found:
        if key.endswith("."):  # the template adds a name
            continue
        assert key in strings, key
        assert isinstance(strings[key], list) == (method == "count"), key
        if keywords is not None:
            wanted = set().union(*map(placeholders, forms(strings[key])))
            assert wanted - {"n"} == keywords - {"n"}, key


def test_every_text_is_asked_for():
    known = literals()
    for key in read("en").keys() - RULES:
        group = key.rpartition(".")[0]
        assert key in known or group in known or f"{group}." in known, key


@pytest.mark.parametrize("group", GROUPS)
def test_every_name_of_a_table_has_a_text(group):
    strings = read("en")
    assert [name for name in GROUPS[group] if f"{group}.{name}" not in strings] == []


def test_every_flag_has_a_text_with_the_values_that_its_code_documents():
    source = (ROOT / "bundle/bonescan/measures/quality.py").read_text()
    for code in FlagCode:
        said = re.search(rf'{code.name} = "{code}"\n    """(.*?)"""', source, re.DOTALL).group(1)
        values = re.findall(r"`(\w+)`", said.partition("(value")[2])
        assert placeholders(read("en")[f"flag.{code}"]) == set(values), code


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_language_has_all_texts_with_the_same_placeholders(language):
    english, other = read("en"), read(language)
    assert other.keys() == english.keys()
    number_of_forms = max(map(gettext.c2py(other["plural_forms"]), range(200))) + 1
    for key in english.keys() - RULES:
        wanted = set().union(*map(placeholders, forms(english[key])))
        assert set().union(*map(placeholders, forms(other[key]))) == wanted, key
        if isinstance(english[key], list):
            assert len(other[key]) == number_of_forms, key


@pytest.mark.parametrize(
    ("n", "text"), [(0, "0 spots"), (1, "one spot"), (2, "2 spots"), (1234, "1,234 spots")]
)
def test_plural_forms_follow_the_number(n, text):
    texts = Texts({**read("en"), "spots": ["one spot", "{n} spots"]})
    assert texts.count("spots", n) == text


def test_another_language_has_its_own_rule_and_signs():
    polish = {
        "plural_forms": "n==1 ? 0 : n%10>=2 && n%10<=4 && (n%100<12 || n%100>14) ? 1 : 2",
        "decimal_point": ",",
        "thousands": " ",
        "foci": ["{n} ognisko", "{n} ogniska", "{n} ognisk"],
    }
    texts = Texts(polish)
    assert [texts.count("foci", n) for n in (1, 3, 5, 13)] == [
        "1 ognisko",
        "3 ogniska",
        "5 ognisk",
        "13 ognisk",
    ]
    assert texts.decimal(1234.56, 1) == "1 234,6"


@pytest.mark.parametrize(
    ("share", "digits", "text"),
    [
        (0, 0, "0 %"),
        (0.004, 0, "below 1 %"),
        (0.0004, 1, "below 0.1 %"),
        (0.006, 0, "1 %"),
        (0.123, 1, "12.3 %"),
        (0.994, 0, "99 %"),
        (0.996, 0, "above 99 %"),
        (1, 0, "100 %"),
    ],
)
def test_a_share_never_reads_as_none_or_all_unless_it_is(share, digits, text):
    assert load_texts().percent(share, digits) == text


@pytest.mark.parametrize(
    ("items", "text"), [(["a"], "a"), (["a", "b"], "a and b"), (["a", "b", "c"], "a, b and c")]
)
def test_items_are_joined_as_in_a_sentence(items, text):
    assert load_texts().enumerate(items) == text


def test_the_notice_is_that_of_all_results():
    assert read("en")["notice"] == RESEARCH_USE


def test_a_missing_value_and_a_missing_language_are_errors():
    with pytest.raises(KeyError):
        load_texts()("burden.title")
    with pytest.raises(ValueError, match=r"language must be one of en.*, got 'tlh'"):
        load_texts("tlh")
