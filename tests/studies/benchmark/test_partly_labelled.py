"""What learning from unlabelled images costs: what is compared with what."""

import pytest

from bonescan.losses import ContourLabelLoss, PartlyLabelledLoss
from bonescan.studies.benchmark.inputs import BenchmarkSize, repeat_cohort
from bonescan.studies.benchmark.partly_labelled import (
    PUBLISHED_S,
    SYSTEMS,
    measure_inference_of_steps,
)
from bonescan.studies.benchmark.systems import TimedSystem
from tests.workflows import PARTLY_LABELLED


@pytest.fixture
def scans(cohort):
    return sorted(path.parent for path in cohort.glob("*/scan.dcm"))


def test_supervised_training_has_the_label_s_loss_alone(scans, tmp_path):
    datalist = repeat_cohort(scans, tmp_path / "cohort", 3)
    both, supervised = (
        TimedSystem.of("lin2022_t1", datalist, 2, supervised=alone) for alone in (False, True)
    )
    assert isinstance(both.trainer.loss_function, PartlyLabelledLoss)
    assert isinstance(supervised.trainer.loss_function, ContourLabelLoss)
    assert supervised.step_s() > 0


def test_systems_learn_from_unlabelled_images():
    assert set(SYSTEMS) | set(PUBLISHED_S) == set(PARTLY_LABELLED)


def test_inference_is_compared_with_that_of_one_step(scans, tmp_path):
    size = BenchmarkSize(turns=1, width=2)
    datalist = repeat_cohort(scans, tmp_path / "cohort", 1)
    inference = measure_inference_of_steps(["lin2022_t1", "lin2022_t2"], datalist, size)
    assert [item.name for item in inference] == [
        "Inference of lin2022_t1 (published 2.19 s)",
        "Inference of lin2022_t1 / lin2022_t1 (published 1.00)",
        "Inference of lin2022_t2 (published 2.45 s)",
        "Inference of lin2022_t2 / lin2022_t1 (published 1.12)",
    ]
    assert inference[1].value == 1
