"""Which scan, and which of its views, a LabelMe file belongs to."""

from collections.abc import Sequence
from pathlib import Path

from bonescan.data.annotation.labelme import Annotation, LabelMeError
from bonescan.data.listing import ListedScan
from bonescan.dicom.scan import View
from bonescan.dicom.words import view_in_name


def find_owner(annotation: Annotation, scans: Sequence[ListedScan]) -> tuple[ListedScan, View]:
    """Find the scan and the view that a LabelMe file belongs to.

    In this order: by the scan's hash in files that this bundle exported; by the path of the image,
    where it leads to a file of a scan; by the image's name, which must be the scan's key, or its
    file name where no other scan has it, with the view's name after it (`sim-0001_scan_anterior`).

    Raises:
        LabelMeError: if there is no such scan, or the view is not known or not there.
    """
    scan = _find_scan(annotation, scans)
    name, views = annotation.path.name, scan.facts.views
    view = annotation.view or _named_view(annotation) or _view_of_file(annotation, scan)
    if view is None:
        raise LabelMeError(
            f"{name}: name must say which view it shows, 'anterior' or 'posterior', as "
            f"{scan.key}_anterior.json does"
        )
    if view not in views:
        raise LabelMeError(
            f"{name}: scan {scan.key} must have the view {view}, got {' and '.join(views)}; "
            "the file belongs to another scan"
        )
    return scan, view


def _find_scan(annotation: Annotation, scans: Sequence[ListedScan]) -> ListedScan:
    image = Path(annotation.image_path)
    _, stem = view_in_name(image.stem)
    file = _image_file(annotation)
    if annotation.scan_id is not None:
        owners = [scan for scan in scans if scan.facts.scan_id == annotation.scan_id]
    else:
        owners = (
            [scan for scan in scans if file in _files(scan)]
            or [scan for scan in scans if scan.key.lower() in {stem, image.stem.lower()}]
            or [scan for scan in scans if stem in {path.stem.lower() for path in _files(scan)}]
        )
    if len(owners) != 1:
        raise LabelMeError(
            f"{annotation.path.name}: image must be that of one scan, got {image.name!r}, which "
            f"{len(owners)} scans fit; the file belongs to another scan, or name the image after "
            "the scan"
        )
    return owners[0]


def _image_file(annotation: Annotation) -> Path:
    """Return the file that the image's name leads to, whether it is there or not."""
    return (annotation.path.parent / annotation.image_path).resolve()


def _files(scan: ListedScan) -> set[Path]:
    return {source.path.resolve() for source in scan.facts.sources.values()}


def _named_view(annotation: Annotation) -> View | None:
    """Return the view that the names of file and image say."""
    stems = (annotation.path.stem, Path(annotation.image_path).stem)
    views = {view for view, _ in map(view_in_name, stems)} - {None}
    if len(views) > 1:
        raise LabelMeError(
            f"{annotation.path.name}: name must be that of one view, got both in it and in its "
            "image's name"
        )
    return next(iter(views), None)


def _view_of_file(annotation: Annotation, scan: ListedScan) -> View | None:
    """Return the view that the image's file holds, or the scan, where it is one only."""
    file, sources = _image_file(annotation), scan.facts.sources
    views = [view for view, source in sources.items() if source.path.resolve() == file]
    views = views or list(scan.facts.views)
    return views[0] if len(views) == 1 else None
