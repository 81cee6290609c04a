import pytest

from bonescan.report.page.writer import ReportWriter
from bonescan.report.writers import SummaryWriter
from bonescan.workflow.outputs import make_writers


@pytest.mark.parametrize("identified", [False, True])
def test_writers_are_those_of_the_configuration(identified):
    writers = make_writers(identified=identified)
    assert isinstance(writers[-1], SummaryWriter)
    (report,) = (writer for writer in writers if isinstance(writer, ReportWriter))
    assert report.identified is identified
