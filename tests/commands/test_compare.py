from bonescan.commands import main
from tests.studies.runs.run_folders import make_run


def test_it_says_what_was_compared_and_what_was_left_out(tmp_path, capsys):
    runs = [str(make_run(tmp_path / name)) for name in "ab"]
    output = tmp_path / "out"
    assert main(["compare", *runs, "-o", str(output)]) == 0
    assert capsys.readouterr().out == f"2 runs compared; see {output / 'compare.html'}\n"
    assert main(["compare", *runs, str(tmp_path / "c"), "-o", str(output)]) == 1
    assert capsys.readouterr().out.startswith("c left out: system.json does not exist")


def test_one_run_alone_is_an_error(tmp_path, capsys):
    assert main(["compare", str(make_run(tmp_path / "a")), "-o", str(tmp_path / "out")]) == 1
    assert "runs to compare must be at least two" in capsys.readouterr().err
