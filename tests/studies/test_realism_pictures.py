from dataclasses import replace

import numpy as np
import pytest

from bonescan.studies.realism_pictures import choose_builds, cut_part
from tests.phantom.fakes import fake_patient


def person_of(weight_kg, sex):
    patient = fake_patient()
    return replace(patient, person=replace(patient.person, sex=sex, weight_kg=weight_kg))


def test_builds_go_from_light_to_heavy_and_the_sexes_take_turns():
    patients = [person_of(weight, sex) for weight in (90, 50, 70, 110) for sex in ("F", "M")]
    chosen = choose_builds(patients, 4)
    assert [one.person.weight_kg for one in chosen] == [50, 70, 90, 110]
    assert [one.person.sex for one in chosen] == ["M", "F", "M", "F"]
    assert len(choose_builds(patients, 20)) == 8


def test_a_part_has_its_size_even_where_it_leaves_the_image():
    counts = np.zeros((400, 120))
    counts[20:380, 60:110] = 10.0
    part = cut_part(counts, (0.0, 0.5, 0.25), 4.0)
    rows, columns = part.shape
    assert rows == pytest.approx(180, abs=4)
    assert columns == pytest.approx(180, abs=4)
    assert part[rows // 2, columns // 2] == 10
    assert not part[:, -20:].any()
