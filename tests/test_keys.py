from bonescan.dicom.scan import View
from bonescan.keys import join_view_names, split_view_names


def test_names_of_views_are_joined_and_split_again():
    assert join_view_names(View) == "anterior+posterior"
    for names in (("posterior",), ("anterior", "posterior"), ("side_by_side",)):
        assert split_view_names(join_view_names(names)) == names
