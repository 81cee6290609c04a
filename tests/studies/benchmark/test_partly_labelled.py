"""What learning from unlabelled images costs: what is compared with what."""

import pytest

from bonescan.losses import ContourLabelLoss, PartlyLabelledLoss
from bonescan.studies.benchmark.inputs import BenchmarkInputs, BenchmarkSize, repeat_cohort
from bonescan.studies.benchmark.partly_labelled import PUBLISHED_S, SYSTEMS, measure_partly_labelled
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


@pytest.mark.slow
def test_steps_and_inference_are_measured(scans, tmp_path):
    size = BenchmarkSize(systems=("lin2022_t1", "lin2022_t2"), turns=1, width=4)
    step, *inference = measure_partly_labelled(BenchmarkInputs(scans, tmp_path, size))
    assert step.name == "Training step of lin2022_t1 / supervised"
    assert [item.name for item in inference] == [
        "Inference of lin2022_t1 (published 2.19 s)",
        "Inference of lin2022_t1 / lin2022_t1 (published 1.00)",
        "Inference of lin2022_t2 (published 2.45 s)",
        "Inference of lin2022_t2 / lin2022_t1 (published 1.12)",
    ]
    assert inference[1].value == 1
