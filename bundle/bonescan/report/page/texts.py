"""The texts of a report in one language, from `report/strings/LANGUAGE.yaml`."""

import gettext
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.resources import files
from typing import Any

import yaml

ENGLISH = "en"


class Texts:
    """What a report says, by key, in one language.

    A value of the file is a text with named placeholders, or a list of its plural forms, of which
    the rule `plural_forms` (that of gettext) picks one.

    Args:
        strings: the content of a language's file.
    """

    def __init__(self, strings: Mapping[str, Any]) -> None:
        self._strings = strings
        self._plural = gettext.c2py(strings["plural_forms"])

    def __call__(self, key: str, **values: object) -> str:
        """Return a text with its placeholders filled.

        Raises:
            KeyError: if there is no such text, or a placeholder has no value.
        """
        return str(self._strings[key]).format(**values)

    def count(self, key: str, n: int, **values: object) -> str:
        """Return the plural form of a text for n things; `{n}` stands for the number."""
        form = self._strings[key][self._plural(n)]
        return str(form).format(n=self.decimal(n), **values)

    def named(self, group: str, name: str, **values: object) -> str:
        """Return the text `GROUP.NAME`, where the name comes from a table such as that of bones."""
        return self(f"{group}.{name}", **values)

    def has(self, group: str, name: str) -> bool:
        """Return whether there is a text `GROUP.NAME`."""
        return f"{group}.{name}" in self._strings

    def decimal(self, value: float, digits: int = 0) -> str:
        """Write a number with the language's signs."""
        point, thousands = self._strings["decimal_point"], self._strings["thousands"]
        return f"{value:,.{digits}f}".translate({ord("."): point, ord(","): thousands})

    def percent(self, share: float, digits: int = 0) -> str:
        """Write a share of 0..1 in per cent; one that would read as none or as all, as a bound."""
        step = 10.0**-digits
        for bound, beyond, key in (
            (step, 0 < 100 * share < step / 2, "less_than"),
            (100 - step, 100 - step / 2 <= 100 * share < 100, "more_than"),
        ):
            if beyond:
                return self(key, value=self("percent", value=self.decimal(bound, digits)))
        return self("percent", value=self.decimal(100 * share, digits))

    def enumerate(self, items: Sequence[str], *, most: int | None = None, rest: str = "") -> str:
        """Join items as a sentence lists them.

        Args:
            items: at least one.
            most: number from which on the others are only counted.
            rest: key of the text that does so: `{names}` stands for the first ones.
        """
        if most is not None and len(items) > most:
            names = self("comma").join(items[:most])
            return self.count(rest, len(items) - most, names=names)
        *first, last = items
        return self("and", first=self("comma").join(first), last=last) if first else last


@cache
def load_texts(language: str = ENGLISH) -> Texts:
    """Load the texts of a language.

    Raises:
        ValueError: if there is no file of it.
    """
    folder = files("bonescan.report") / "strings"
    known = sorted(path.name.removesuffix(".yaml") for path in folder.iterdir())
    if language not in known:
        raise ValueError(f"language must be one of {', '.join(known)}, got {language!r}")
    return Texts(yaml.safe_load((folder / f"{language}.yaml").read_text(encoding="utf-8")))
