"""What pages share: the house style, and a policy that lets nothing else in."""

import base64
import hashlib
from functools import cache
from importlib.resources import files

from jinja2 import BaseLoader, Environment, StrictUndefined

TEMPLATES = "template"


@cache
def read_asset(name: str) -> str:
    """Read a file of the house style: page.css or page.js."""
    return (files("bonescan.report.page") / TEMPLATES / name).read_text(encoding="utf-8")


def make_environment(loader: BaseLoader) -> Environment:
    """Make what reads templates: every text is quoted, and every name must have a value."""
    return Environment(
        loader=loader,
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def make_policy(css: str, script: str = "") -> str:
    """Return a content security policy: the page's own style and script run, nothing is loaded.

    They are named by their hashes, so that a text from a file would do nothing even if it were not
    quoted.
    """
    rules = ["default-src 'none'", "img-src data:", f"style-src '{_hash(css)}'"]
    if script:
        rules.append(f"script-src '{_hash(script)}'")
    return "; ".join([*rules, "base-uri 'none'", "form-action 'none'"])


def _hash(text: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"
