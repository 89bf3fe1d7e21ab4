"""Two people's changes of one base are put together without losing either's."""

import pytest

from voxbot.admin.knowledge.merging import Merged, merge

BASE = "# А\nодин\n<<->>\n# Б\nдва\n"


@pytest.mark.parametrize(
    ("mine", "theirs", "merged", "both"),
    [
        (BASE, BASE, BASE, 0),
        (BASE.replace("один", "1"), BASE.replace("два", "2"), "# А\n1\n<<->>\n# Б\n2\n", 0),
        (BASE, BASE.replace("один\n", ""), "# А\n<<->>\n# Б\nдва\n", 0),
        (BASE.replace("два", "2"), BASE.replace("два", "2"), BASE.replace("два", "2"), 0),
        (BASE.replace("один", "моё"), BASE.replace("один", "чужое"), "# А\nчужое\nмоё\n<<->>\n# Б\nдва\n", 1),
        (f"{BASE}# В\n", f"{BASE}# Г\n", f"{BASE}# Г\n# В\n", 1),
        ("", "# Г\n", "# Г\n", 1),
    ],
)
def test_changes_are_put_together(mine, theirs, merged, both):
    assert merge(BASE, mine, theirs) == Merged(merged, both)


def test_a_base_that_both_began_anew():
    assert merge("", "моё", "чужое") == Merged("чужое\nмоё\n", 1)
