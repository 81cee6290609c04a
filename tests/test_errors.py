from bonescan.errors import one_line, root_cause


def test_root_cause():
    inner, middle, outer = ValueError("inner"), KeyError("middle"), RuntimeError("outer")
    outer.__cause__, middle.__cause__ = middle, inner
    assert root_cause(outer) is inner
    assert root_cause(inner) is inner


def test_one_line():
    assert one_line(ValueError("a\n  b")) == "a b"
    assert one_line(ValueError()) == "ValueError: "
    assert one_line(RuntimeError("a")) == "RuntimeError: a"
