from bonescan.prepare.crop_quality import CropQuality
from scripts import measure_crop


def test_report_counts_refused_patients_as_not_held():
    good = CropQuality(lost_mm=(0, 0, 0, 0), neck_mm=5, pelvis_mm=30)
    text = measure_crop.report([good, good, None], seed=4)
    assert "| 2 of 3 | 66.7% | 97 % |" in text
    assert "| 0 of 3 | 0.0% | 95 % |" in text
    assert "| refused | 1 of 3 |" in text
    assert "--patients 3 --seed 4" in text


def test_the_page_is_tried_out_of_the_way_of_the_published_one(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert measure_crop.main(["--patients", "1"]) == 0
    page = tmp_path / "build" / "results" / "thorax_crop.md"
    assert page.read_text() in capsys.readouterr().out
    assert [path.name for path in tmp_path.iterdir()] == ["build"]
    assert measure_crop.main(["--patients", "1", "--publish"]) == 0
    published = tmp_path / "docs" / "results" / "thorax_crop.md"
    assert published.read_text() == page.read_text()
