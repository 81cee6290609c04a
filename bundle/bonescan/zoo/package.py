"""The part of this package that a packed bundle needs, copied into it."""

import ast
import pydoc
import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path

import bonescan
from bonescan.files import write_text
from bonescan.zoo.form import format_code

PACKAGE = Path(bonescan.__file__).parent
LEFT_OUT = ("phantom", "studies", "node", "deploy", "zoo", "commands")
"""Rooms that a trained system does without. What imports one of them is left out, too."""


def copy_package(folder: Path, targets: Iterable[str]) -> list[Path]:
    """Copy the package in the zoo's form, without what only makes or compares systems.

    Args:
        folder: of the bundle.
        targets: dotted names of components that must be there.

    Returns:
        The modules that were copied, relative to the folder.

    Raises:
        ValueError: if a component is in a room that is left out, or nowhere: an older version of
            the package may have had it.
    """
    imports = {path: _find_imports(path) for path in sorted(PACKAGE.rglob("*.py"))}
    kept = _keep(imports)
    for target in sorted(set(targets)):
        if _home(target) not in kept:
            raise ValueError(
                f"{target} cannot be packed: a bundle holds nothing of {', '.join(LEFT_OUT)}, nor "
                "what needs it"
            )
        if pydoc.locate(target) is None:
            raise ValueError(
                f"{target} must be a component of bonescan {bonescan.__version__}, which has none "
                "of that name: pack the run with the revision that its run.json names"
            )
    rooms = {path.parent for path in kept}
    data = [
        path
        for path in PACKAGE.rglob("*")
        if path.is_file()
        and path.suffix not in {".py", ".pyc"}
        and (path.parent in rooms or path.parent.parent in rooms)
        and path.relative_to(PACKAGE).parts[0] not in (*LEFT_OUT, "configs")
    ]
    for path in (*kept, *data):
        copy = folder / PACKAGE.name / path.relative_to(PACKAGE)
        copy.parent.mkdir(parents=True, exist_ok=True)
        if path.suffix == ".py":
            write_text(copy, format_code(path.read_text(encoding="utf-8")))
        else:
            shutil.copyfile(path, copy)
    return [Path(PACKAGE.name) / path.relative_to(PACKAGE) for path in kept]


def _keep(imports: Mapping[Path, set[Path]]) -> list[Path]:
    """Return the modules that need none of the rooms that are left out, not even indirectly."""
    lost = {path for path in imports if path.relative_to(PACKAGE).parts[0] in LEFT_OUT}
    while more := {path for path in imports.keys() - lost if imports[path] & lost}:
        lost |= more
    return [path for path in imports if path not in lost]


def _find_imports(path: Path) -> set[Path]:
    """Return the modules of the package that a module imports when it is imported itself."""
    found: set[Path] = set()
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names = (node.module, *(f"{node.module}.{alias.name}" for alias in node.names))
            found.update(filter(None, map(_module_path, names)))
    return found


def _module_path(name: str) -> Path | None:
    """Return the file of a module of the package; None for anything else."""
    package, *parts = name.split(".")
    if package != PACKAGE.name:
        return None
    place = PACKAGE.joinpath(*parts)
    files = (place.with_suffix(".py"), place / "__init__.py")
    return next((file for file in files if file.is_file()), None)


def _home(target: str) -> Path | None:
    """Return the module that a component is named in."""
    found = _module_path(target)
    return found if found or "." not in target else _home(target.rpartition(".")[0])
