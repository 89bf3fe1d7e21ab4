"""Groups of points: average linkage, whatever the order."""

import itertools

import numpy as np

from voxbot.knowledge.grouping import Groups, Likeness


def unit(*values):
    vector = np.array(values, np.float32)
    return vector / np.linalg.norm(vector)


def test_likes_come_together_and_others_stay_apart():
    points = [unit(1, 0, 0), unit(0, 1, 0), unit(1, 0.3, 0), unit(0, 1, 0.2), unit(0, 0, 1)]
    for order in itertools.permutations(range(5)):
        groups = Groups()
        numbers = {index: groups.add(points[index]) for index in order}
        merged = groups.merged()
        found = [merged[numbers[index]] for index in range(5)]
        assert found[0] == found[2]
        assert found[1] == found[3]
        assert len(set(found)) == 3


def test_a_group_does_not_grow_from_neighbour_to_neighbour():
    """Each is like the next, but the last has nothing of the first."""
    groups = Groups()
    angles = np.radians([0, 40, 80, 120, 160])
    numbers = [groups.add(unit(np.cos(angle), np.sin(angle))) for angle in angles]
    assert numbers[0] != numbers[-1]


def test_many_groups():
    groups = Groups()
    assert [groups.add(row) for row in np.eye(200, dtype=np.float32)] == list(range(200))
    assert [groups.add(row) for row in np.eye(200, dtype=np.float32)] == list(range(200))


def test_a_question_of_no_words_has_no_point():
    likeness = Likeness(np.eye(3, dtype=np.float32), lambda terms: 1.0)
    assert likeness.point("э а ну", unit(1, 0, 0)) is None
    point = likeness.point("аренда пресса", unit(1, 0, 0))
    assert np.isclose(np.linalg.norm(point), 1)


def test_rare_words_make_questions_alike_and_common_ones_do_not():
    same = unit(1, 1, 1)
    likeness = Likeness(np.eye(3, dtype=np.float32), lambda terms: 0.1 if "машина" in terms else 5.0)
    rent, rent_too, colour = (
        likeness.point(text, same) for text in ("аренда машины", "машину в аренду", "цвет машины")
    )
    assert rent @ rent_too > rent @ colour + 0.3
