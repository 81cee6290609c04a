import csv
import io

import numpy as np
import pytest

from bonescan.phantom.files.clinical import (
    ALP_MEDIAN_U_L,
    clinical_table,
    draw_alkaline_phosphatase,
    draw_clinical_facts,
)
from tests.phantom.fakes import fake_patient


def draws(burden):
    rng = np.random.default_rng(5)
    return np.array([draw_alkaline_phosphatase(burden, rng) for _ in range(4000)])


def test_without_burden_the_median_and_the_range_are_normal():
    values = draws(0.0)
    assert np.median(values) == pytest.approx(ALP_MEDIAN_U_L, rel=0.03)
    assert 0.93 < np.mean((values > 40) & (values < 140)) < 0.99


def test_it_is_log_normal():
    logarithms = np.log(draws(0.1))
    assert np.mean(logarithms) == pytest.approx(np.median(logarithms), abs=0.02)


def test_it_grows_with_burden():
    medians = [np.median(draws(burden)) for burden in (0.0, 0.005, 0.05, 0.5, 1.0)]
    assert np.all(np.diff(medians) > 0)
    assert 400 < medians[3] < 1000


def test_facts_are_those_of_the_patient():
    patient = fake_patient()
    facts = draw_clinical_facts(patient, "SIM0007", np.random.default_rng(1))
    assert facts.patient == "SIM0007"
    assert (facts.sex, facts.primary, facts.lesions) == ("F", "breast", 2)
    assert facts.height_cm == pytest.approx(patient.person.height_mm / 10, abs=0.05)
    assert facts.age == round(patient.person.age)


def test_table_reads_back():
    facts = draw_clinical_facts(fake_patient(), "SIM0007", np.random.default_rng(1))
    rows = list(csv.DictReader(io.StringIO(clinical_table([facts, facts]))))
    assert len(rows) == 2
    assert rows[0]["patient"] == "SIM0007"
    assert float(rows[0]["alp_u_l"]) == facts.alp_u_l
    assert "\r" not in clinical_table([facts])
