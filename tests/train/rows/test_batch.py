import numpy as np
import pytest

from skillofmind.train.rows.batch import collated
from skillofmind.train.rows.token_row import TokenRow, token_row
from tests.train.tiny import random_rows

A = token_row("a", [11, 12, 13], [1, 0, 1])
B = token_row("b", [21, 22, 23, 24], [0, 1, 2, 1], [1, 2, 3, 4])


def test_right_padding_by_hand() -> None:
    batch = collated([[A], [B]], 9)
    assert batch.ids_BT.tolist() == [[11, 12, 13, 9], [21, 22, 23, 24]]
    assert batch.position_BT.tolist() == [[0, 1, 2, 3]] * 2
    assert batch.place_N.tolist() == [1, 4, 5, 6]
    assert batch.target_N.tolist() == [13, 22, 23, 24]
    assert batch.loss_plan_N.tolist() == [1, 1, 2, 1]
    assert batch.weight_N.tolist() == [1, 2, 3, 4]
    assert batch.row_N.tolist() == [0, 1, 1, 1]
    assert batch.names == ("a", "b")
    assert batch.tokens() == 8


def test_left_padding_is_a_document_of_its_own() -> None:
    batch = collated([[A], [B]], 9, side="left", multiple=6)
    assert batch.ids_BT.tolist() == [[9, 9, 9, 11, 12, 13], [9, 9, 21, 22, 23, 24]]
    assert batch.position_BT.tolist() == [[0, 1, 2, 0, 1, 2], [0, 1, 0, 1, 2, 3]]
    assert batch.place_N.tolist() == [4, 8, 9, 10]


def test_packed_rows_restart_their_positions() -> None:
    batch = collated([[B, A]], 9, multiple=8)
    assert batch.ids_BT.tolist() == [[21, 22, 23, 24, 11, 12, 13, 9]]
    assert batch.position_BT.tolist() == [[0, 1, 2, 3, 0, 1, 2, 3]]
    assert batch.place_N.tolist() == [0, 1, 2, 5]
    assert batch.row_N.tolist() == [0, 0, 0, 1]


@pytest.mark.parametrize("side", ["left", "right"])
def test_the_place_before_a_trained_token_predicts_it(side: str) -> None:
    rows = random_rows([7, 3, 12, 5])
    batch = collated([rows[:2], rows[2:]], 0, side=side)  # type: ignore[arg-type]
    flat = batch.ids_BT.reshape(-1)
    assert flat[batch.place_N + 1].tolist() == batch.target_N.tolist()


def test_a_first_token_is_never_trained_whatever_the_plan_says() -> None:
    row = TokenRow("x", np.array([5, 6], np.int32), np.array([1, 1], np.uint8))
    assert collated([[row, row]], 0).place_N.tolist() == [0, 2]
    assert row.trained() == 1


def test_a_batch_of_nothing_has_one_position() -> None:
    batch = collated([], 9)
    assert batch.ids_BT.tolist() == [[9]]
    assert len(batch.target_N) == 0
    assert batch.names == ()


@pytest.mark.parametrize(("plan", "weight"), [([1], None), ([1, 3], None), ([1, 1], [1.0])])
def test_rows_that_do_not_fit_together_are_refused(plan: list[int], weight: list[float] | None) -> None:
    with pytest.raises(ValueError, match="row 'x'"):
        token_row("x", [5, 6], plan, weight)
