import pytest
from pydicom.dataset import Dataset

from bonescan.dicom.codes import Code
from bonescan.dicom.elements import (
    CODE,
    CODES,
    DECIMAL,
    DEGREES,
    SECONDS,
    TEXT,
    WHOLE,
    YES,
    Conversion,
    Element,
    decimal_string,
    items_of,
    read,
    write,
)

GRID = (Element("grid", "CollimatorGridName", TEXT, "DetectorInformationSequence"),)


def written(table, **facts) -> Dataset:
    dataset = Dataset()
    write(facts, dataset, table)
    return dataset


@pytest.mark.parametrize(
    ("conversion", "keyword", "fact", "stored"),
    [
        (TEXT, "ImageID", "WB ANT", "WB ANT"),
        (DECIMAL, "ScanVelocity", 2.125, "2.125000"),
        (DECIMAL, "ScanVelocity", 0.0, "0.000000"),
        (DEGREES, "StartAngle", 0.0, "0"),
        (DEGREES, "StartAngle", 359.5, "359.5"),
        (WHOLE, "ScanLength", 1901.0, "1901"),
        (WHOLE, "ScanLength", 0.0, "0"),
        (SECONDS, "ActualFrameDuration", 760.125, "760125"),
        (YES, "BurnedInAnnotation", True, "YES"),
        (CODE, "ViewCodeSequence", Code("1", "L", "one"), None),
        (CODES, "ViewCodeSequence", (Code("1", "L", "one"), Code("2", "L", "two")), None),
    ],
)
def test_what_is_written_is_read(conversion, keyword, fact, stored):
    table = (Element("fact", keyword, conversion),)
    dataset = written(table, fact=fact)
    assert read(dataset, table) == {"fact": fact}
    if stored is not None:
        assert str(dataset[keyword].value) == stored


@pytest.mark.parametrize("empty", [None, "", " ", []])
def test_what_says_nothing_is_neither_written_nor_read(empty):
    table = (Element("fact", "ImageID", TEXT),)
    dataset = Dataset()
    dataset.ImageID = empty
    assert read(dataset, table) == {}
    assert len(written(table, fact=None)) == len(written(table, fact="")) == 0
    assert len(written((Element("fact", "BurnedInAnnotation", YES),), fact=False)) == 0


@pytest.mark.parametrize("value", ["nan", "inf"])
def test_a_number_must_be_finite(value):
    dataset = Dataset()
    dataset.ScanVelocity = float(value)
    assert read(dataset, (Element("fact", "ScanVelocity", DECIMAL),)) == {}


@pytest.mark.parametrize("value", [0.0, 1 / 3, -1e-9, -123456.7891, 1e12 / 7, -1e300, 9999999999])
def test_decimal_string_has_at_most_16_characters(value):
    text = decimal_string(value)
    assert len(text) <= 16
    assert float(text) == pytest.approx(value, rel=1e-9, abs=5e-7)


def test_a_fact_is_read_from_the_first_item_and_written_to_all():
    dataset = Dataset()
    dataset.DetectorInformationSequence = [Dataset(), Dataset()]
    write({"grid": "LEHR"}, dataset, GRID)
    assert [item.CollimatorGridName for item in dataset.DetectorInformationSequence] == ["LEHR"] * 2
    dataset.DetectorInformationSequence[1].CollimatorGridName = "MEGP"
    assert read(dataset, GRID) == {"grid": "LEHR"}
    del dataset.DetectorInformationSequence[0].CollimatorGridName
    assert read(dataset, GRID) == {}


def test_a_sequence_is_made_only_for_what_says_something():
    assert len(written(GRID, grid=None)) == 0
    dataset = written(GRID, grid="LEHR")
    assert [item.CollimatorGridName for item in dataset.DetectorInformationSequence] == ["LEHR"]


def test_no_sequence_has_no_items():
    dataset = Dataset()
    dataset.ImageID = "text"
    assert items_of(dataset, "ImageID") == items_of(dataset, "ViewCodeSequence") == []


def test_of_two_rows_the_first_that_says_something_is_believed():
    table = (Element("fact", "ImageID", TEXT), Element("fact", "Manufacturer", TEXT))
    dataset = Dataset()
    dataset.Manufacturer = "second"
    assert read(dataset, table) == {"fact": "second"}
    dataset.ImageID = "first"
    assert read(dataset, table) == {"fact": "first"}


def test_a_row_that_only_reads_writes_nothing():
    assert len(written((Element("fact", "ImageID", Conversion(TEXT.read)),), fact="text")) == 0


def test_a_table_that_asks_for_a_fact_that_is_not_there():
    with pytest.raises(KeyError, match="grid"):
        write({"girder": "LEHR"}, Dataset(), GRID)
