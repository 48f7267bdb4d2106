"""The benchmark of training compares equal work, and measures what it says."""

import pytest
from benchmarks import train_speed
from benchmarks.peers.train_with_som import SEED, examples
from benchmarks.peers.train_with_torch import batch
from benchmarks.process_tree import Took
from benchmarks.train_inputs import Job, rows
from benchmarks.train_speed import Ran, arguments, check_equal_work, gpu_verdict, ratios, verdict

from skillofmind.train.policy import ONE
from skillofmind.train.rows.feeds import ExampleFeed
from skillofmind.train.rows.order import Order

JOB = Job("", "", updates=6, batch=2, micro=1, skipped=2)


def ran(first: float, each: float, losses: tuple[float, ...] = (3.0, 2.0)) -> Ran:
    """Return a run whose updates took `each` CPU second, and twice the wall time."""
    stamps = tuple((first + number * each, 2 * (first + number * each)) for number in range(5))
    return Ran(Took(0, 0, 100, 0), stamps, losses, 0)


def test_arguments_have_defaults_and_always_our_arm() -> None:
    plain = arguments([])
    assert (plain.device, plain.rounds, plain.sizes, plain.updates) == ("cpu", 5, ["1M", "5M"], None)
    assert plain.arms == ["som", "torch", "torch, lean", "trl"]
    assert arguments(["--arms", "trl", "trl"]).arms == ["som", "trl"]


@pytest.mark.parametrize("line", ["--rounds 1", "--updates 5", "--micro 5", "--sizes 7B", "--arms x"])
def test_what_cannot_be_measured_is_refused(line: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as left:
        arguments(line.split())
    assert left.value.code == 2
    assert line.split()[0] in capsys.readouterr().err


def test_rows_are_chat_like_and_the_same_each_time() -> None:
    made = rows(400, 2048, most=256)
    assert made == rows(400, 2048, most=256)
    lengths = [len(row.ids) for row in made]
    assert 100 < sum(lengths) / 400 < 150
    assert (min(lengths) >= 24, max(lengths) <= 256) == (True, True)
    assert 0.65 < sum(row.prompt for row in made) / sum(lengths) < 0.75
    assert {len(row.ids) for row in rows(5, 99, most=64, full=True)} == {64}


def test_our_shuffled_feed_gives_the_rows_in_the_order_of_the_file() -> None:
    made = rows(12, 99, most=64)
    feed = ExampleFeed(examples(made, 4), Order(4, seed=SEED), micro=2, pad_id=0, ranks=ONE)
    names = [name for update in range(len(feed)) for one in feed.window(update) for name in one.names]
    assert names == [str(number) for number in range(12)]


def test_the_bare_loop_trains_the_tokens_that_we_train() -> None:
    made = rows(6, 99, most=64)
    feed = ExampleFeed(examples(made, 6), Order(6, seed=SEED), micro=6, pad_id=0, ranks=ONE)
    [ours] = feed.window(0)
    ids, goal = batch(made, "cpu")
    assert ids.tolist() == ours.ids_BT.tolist()
    assert (goal.flatten() != -100).nonzero().flatten().tolist() == ours.place_N.tolist()
    assert goal[goal != -100].tolist() == ours.target_N.tolist()


def test_updates_are_measured_behind_the_first_and_the_start_is_what_is_left() -> None:
    one = ran(3.5, 0.5)
    assert one.seconds(0, 2) == [0.5, 0.5, 0.5]
    assert one.seconds(1, 2) == [1.0, 1.0, 1.0]
    assert one.start_up(0, 2) == 3.0


def test_ratios_are_ours_by_theirs_in_the_same_round() -> None:
    found = {"som": [ran(1.5, 0.5), ran(3.0, 1.0)], "trl": [ran(5.0, 1.0), ran(10.0, 2.0)]}
    [(name, by_cpu)] = ratios(found, JOB, 0).items()
    assert name == "trl"
    assert by_cpu["update"]["median"] == 0.5
    assert by_cpu["least_of_each_update"] == 0.5
    assert by_cpu["start_up"]["median"] == 0.25


def test_an_aim_is_met_up_to_its_number() -> None:
    def of(update: float, start: float) -> dict[str, object]:
        return {"update": {"median": update}, "start_up": {"median": start}}

    found = verdict({"1M": {"som_divided_by": {"cpu": {"torch": of(1.031, 1), "trl": of(1, 0.3)}}}})
    assert [one["met"] for one in found.values()] == [False, True]


def test_arms_that_do_other_work_are_refused() -> None:
    alike = {"som": [ran(1, 1), ran(1, 1)], "trl": [ran(1, 1, (3.0, 2.00005))] * 2}
    assert check_equal_work(alike, 1e-4)["largest_difference_of_a_loss"] == 5e-5
    with pytest.raises(ValueError, match="apart, more than"):
        check_equal_work({**alike, "torch": [ran(1, 1, (3.0, 2.1))]}, 1e-4)
    with pytest.raises(ValueError, match="torch made 1 updates"):
        check_equal_work({**alike, "torch": [ran(1, 1, (3.0,))]}, 1e-4)
    with pytest.raises(ValueError, match="apart"):
        check_equal_work({**alike, "torch": [ran(1, 1, (3.0, float("nan")))]}, 1e-4)


def test_losses_behind_those_that_are_compared_may_differ() -> None:
    apart = {"som": [ran(1, 1)], "trl": [ran(1, 1, (3.01, 9.0))]}
    assert check_equal_work(apart, 0.02, 1)["compared"] == 1


def test_aims_on_a_gpu_need_a_known_peak() -> None:
    def of(mfu: float | None) -> dict[str, object]:
        return {"gpu": {"som": {"mfu": mfu, "tokens_per_s": 110}, "trl": {"tokens_per_s": 100}}}

    met = {name: one["met"] for name, one in gpu_verdict({"full": of(0.45), "lora": of(None)}).items()}
    assert met == {"full: MFU": True, "full: tokens/s over trl": True, "lora: tokens/s over trl": True}
    assert not gpu_verdict({"full": of(None)})["full: MFU"]["met"]


@pytest.mark.slow
def test_our_recipe_and_the_bare_loops_do_equal_work() -> None:
    small = train_speed.Shape(16, 32, 1, 2, 2, 128, updates=6, batch=4, micro=2)
    arms = train_speed.chosen(["som", "torch", "torch, lean"])
    job = JOB._replace(batch=4, micro=2, max_tokens=32)
    found = train_speed.measure(small, arms, job, rounds=2, threads=1)
    assert found["equal_work"]["updates"] == 6
    assert set(found["arms"]) == {"som", "torch", "torch, lean"}
    assert all(one["peak_mb"] > 100 for one in found["arms"].values())
