"""Ways in which files come to be damaged, for tests that read whatever is left."""

import copy
import json
from typing import Any

from numpy.random import Generator

HOSTILE = (
    None,
    True,
    -1,
    0.5,
    10**400,
    float("nan"),
    "",
    "\0",
    "../../../etc/passwd",
    "é" * 300,
    [],
    {},
    [[1]],
    {"a": None},
)
"""Values that a field of a JSON file may hold instead of its own."""


def flip_bytes(data: bytes, chance: Generator, *, start: int = 0, end: int | None = None) -> bytes:
    """Change some bytes of a part."""
    damaged = bytearray(data)
    end = len(data) if end is None else min(end, len(data))
    for _ in range(chance.integers(1, 6)):
        damaged[chance.integers(start, end)] = chance.choice([0, 1, 127, 255, chance.integers(256)])
    return bytes(damaged)


def damage_json(text: str, chance: Generator) -> str:
    """Put hostile values into a JSON file, take values away, or damage its text."""
    kind = chance.integers(10)
    if kind == 0:
        return flip_bytes(text.encode(), chance).decode("latin-1")
    if kind == 1:
        return text[: chance.integers(len(text))]
    if kind == 2:
        return "[" * 5000 + text + "]" * 5000
    content = json.loads(text)
    for _ in range(chance.integers(1, 3)):
        holder = _choose_holder(content, chance)
        if not holder:
            continue
        keys = list(holder) if isinstance(holder, dict) else range(len(holder))
        key = keys[chance.integers(len(keys))]
        if chance.random() < 0.2:
            del holder[key]
        else:
            holder[key] = copy.deepcopy(HOSTILE[chance.integers(len(HOSTILE))])
    return json.dumps(content)


def _choose_holder(content: Any, chance: Generator) -> Any:
    """Return some dictionary or list inside a value of JSON."""
    while True:
        inner = content.values() if isinstance(content, dict) else content
        holders = [value for value in inner if isinstance(value, dict | list) and value]
        if not holders or chance.random() < 0.25:
            return content
        content = holders[chance.integers(len(holders))]
