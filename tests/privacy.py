"""What no message, log or file may show of the person in tests.factories."""

from tests.factories import IDENTIFIERS, PRIVATE_NAME

IDENTIFYING_WORDS = {
    word.lower()
    for value in (*IDENTIFIERS.values(), PRIVATE_NAME)
    for word in value.replace("^", " ").replace(",", " ").split()
    if len(word) > 3
}


def assert_silent(text: str) -> None:
    """Check that a text names the person by no word."""
    assert not [word for word in IDENTIFYING_WORDS if word in text.lower()]
