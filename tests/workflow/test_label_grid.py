"""A label map of another view or of other pixels is refused wherever labels are loaded."""

import pytest

from bonescan.data.datalist import load_items
from bonescan.data.nifti import read_view_stack, write_view_stack
from bonescan.errors import root_cause
from tests.workflows import make_workflow


@pytest.fixture(params=["view", "spacing"])
def entry(request, cohort, tmp_path):
    """A scan of the cohort with a label map that does not lie on it."""
    entry = load_items(cohort / "datalist.json")[0]
    label = read_view_stack(entry["label"])
    array, views, (row_mm, column_mm) = label.array, label.views, label.spacing_mm
    if request.param == "view":
        array, views = array[1:], views[1:]
    else:
        column_mm *= 2
    path = tmp_path / "other.nii.gz"
    write_view_stack(path, array, (row_mm, column_mm), views)
    return {**entry, "label": str(path)}


@pytest.mark.parametrize(
    ("workflow", "kind", "chain"),
    [
        ("train", "train", "train#preprocessing"),
        ("train", "train", "validate#preprocessing"),
        ("evaluate", "infer", "preprocessing"),
    ],
)
def test_a_label_that_does_not_lie_on_its_scan_is_refused(workflow, kind, chain, entry):
    composed = make_workflow(workflow, workflow_type=kind)
    composed.initialize()
    with pytest.raises(RuntimeError) as raised:
        composed.parser.get_parsed_content(chain)(dict(entry))
    message = str(root_cause(raised.value))
    assert message.startswith("other.nii.gz: map must have the views and pixels of its scan")
