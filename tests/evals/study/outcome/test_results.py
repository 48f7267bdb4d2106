"""What a study comes to is what the statistics say of its votes, for those who paid attention."""

from collections import Counter
from pathlib import Path

import pytest

from skillofmind.evals.statistics.clusters import mean_with_cluster_errors
from skillofmind.evals.statistics.multiple import holm
from skillofmind.evals.statistics.pairwise import Comparison, bradley_terry, win_rate
from skillofmind.evals.statistics.power import detectable_win_rate
from skillofmind.evals.statistics.tests import permutation_test
from skillofmind.evals.study.design.drawing import rank
from skillofmind.evals.study.folder import read
from skillofmind.evals.study.outcome.results import results
from skillofmind.evals.study.outcome.votes import attention, people_votes, votes
from skillofmind.evals.study.records import Choice, Criterion, Task
from skillofmind.scorers.agreement import fleiss_kappa, krippendorff_alpha
from tests.evals.study.talks import GOOD, PLAIN, Chooser, answer_all, attentive, made_study


def likes(who: str, share: float) -> Chooser:
    """Return a rater who prefers the good system with probability `share`, after ties of one in five."""

    def prefers(task: Task, criterion: Criterion) -> str:
        drawn = rank(who, task.key, criterion.name) % 1000 / 1000
        return "" if drawn < 0.2 else GOOD if drawn < 0.2 + 0.8 * share else PLAIN

    return attentive(prefers)


def left(task: Task, criterion: Criterion, swapped: bool) -> Choice:
    return "left"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = made_study(tmp_path_factory.mktemp("study"), 30, raters=3)
    answer_all(made, "ana", likes("a", 0.8))
    answer_all(made, "ben", likes("b", 0.7))
    answer_all(made, "cleo", left, seconds=1.0)
    return made


def by_hand(folder: Path, criterion: str) -> list[Comparison]:
    """Read the votes of Ana and Ben from the answers themselves."""
    kept = read(folder)
    found = []
    for answer in kept.answers:
        task = kept.tasks[answer.task]
        if answer.rater in ("ana", "ben") and task.sort == "real":
            winner = {"left": answer.left, "right": answer.right, "same": ""}[str(answer.choices[criterion])]
            found.append(Comparison(GOOD, PLAIN, winner, task.group))
    return found


def test_the_careless_rater_is_excluded_and_named(folder: Path) -> None:
    found = results(read(folder))
    assert found.excluded == ("cleo",)
    assert found.notes == ("cleo passed 2 of 4 attention checks, less than 60%: their answers are left out.",)
    assert (found.items, found.answers) == (30, 60)
    assert [(one.name, one.answered, one.pages, one.attention.passed) for one in found.raters] == [
        ("ana", 34, 34, 4), ("ben", 34, 34, 4), ("cleo", 34, 34, 2),
    ]  # fmt: skip
    assert found.raters[2].left.value == 1.0
    everybody = results(read(folder), needed=0.0)
    assert (everybody.excluded, everybody.answers) == ((), 90)


@pytest.mark.parametrize("place", range(7))
def test_win_rates_are_those_of_the_module(folder: Path, place: int) -> None:
    found = results(read(folder)).criteria[place]
    [pair] = found.pairs
    comparisons = by_hand(folder, found.criterion)
    same = win_rate(comparisons, GOOD, PLAIN)
    wins = Counter(one.winner for one in comparisons)
    assert (pair.wins, pair.losses, pair.ties) == (wins[GOOD], wins[PLAIN], wins[""])
    assert pair.rate == pytest.approx((wins[GOOD] + wins[""] / 2) / 60, abs=1e-9)
    assert (pair.low, pair.high) == pytest.approx((same.rate.low, same.rate.high), abs=1e-9)
    assert pair.wilson == pytest.approx((same.wilson.low, same.wilson.high), abs=1e-9)
    points = [0.5 if not one.winner else float(one.winner == GOOD) for one in comparisons]
    groups = [one.group for one in comparisons]
    tested = permutation_test(points, [1 - one for one in points], groups)
    assert pair.p == pytest.approx(tested.p, abs=1e-9)
    assert pair.detectable == detectable_win_rate(30)
    strengths = {one.system: one.value for one in found.strengths}
    ranked = {one.name: one.value for one in bradley_terry(comparisons).strengths}
    assert strengths == pytest.approx(ranked, abs=1e-9)


def test_p_values_are_corrected_over_all_questions(folder: Path) -> None:
    pairs = [one for of in results(read(folder)).criteria for one in of.pairs]
    assert [one.adjusted for one in pairs] == pytest.approx(holm([one.p for one in pairs]), abs=1e-9)


def test_agreement_is_that_of_the_module(folder: Path) -> None:
    kept = read(folder)
    overall = [vote for vote in votes(kept, ["cleo"]) if vote.criterion == "overall"]
    said: dict[str, list[str]] = {}
    for vote in overall:
        said.setdefault(vote.task, []).append(str(vote.value))
    found = results(kept).criteria[-1]
    assert found.alpha == krippendorff_alpha(said.values())
    assert found.fleiss == fleiss_kappa(Counter(one) for one in said.values())
    assert found.fleiss.items == 30
    [pair] = found.raters
    assert (pair.raters, pair.kappa.items) == (("ana", "ben"), 30)


def test_a_left_hand_shows(folder: Path) -> None:
    kept = read(folder)
    with_her = results(kept, needed=0.0).criteria[0].left
    without = results(kept).criteria[0].left
    assert with_her.right - without.right == with_her.decided - without.decided == 30
    # Sides are balanced, so always taking the left prefers no system.
    hers = Counter(vote.value for vote in votes(kept, ["ana", "ben"]) if vote.criterion == "overall")
    assert (hers["first"], hers["second"]) == (15, 15)


def test_times_are_quartiles(folder: Path) -> None:
    found = results(read(folder)).raters
    assert found[0].seconds == (5.0, 6.0, 7.0)
    assert found[2].seconds[1] == 2.0


def test_votes_for_a_judge_are_those_of_the_attentive(folder: Path) -> None:
    found = people_votes(read(folder), "overall")
    assert len(found) == 30
    assert {len(one) for one in found.values()} == {2}
    assert next(iter(found))[1:] == (GOOD, PLAIN)


def test_ratings_are_clustered_by_dialogue(tmp_path: Path) -> None:
    folder = made_study(tmp_path, 12, kind="ratings", raters=3)

    def rate(who: str) -> Chooser:
        def choose(task: Task, criterion: Criterion, swapped: bool) -> Choice:
            if task.sort != "real":
                return task.expected or 1
            return 1 + (task.first == GOOD) + rank(who, task.key, criterion.name) % 3

        return choose

    for name in ("ana", "ben", "cleo"):
        answer_all(folder, name, rate(name))
    kept = read(folder)
    found = results(kept).criteria[-1]
    good, plain = found.ratings
    mine = [vote for vote in votes(kept) if (vote.first, vote.criterion) == (GOOD, "overall")]
    values = [int(vote.value) for vote in mine]
    same = mean_with_cluster_errors(values, [vote.group for vote in mine])
    assert (good.mean, good.error) == pytest.approx((sum(values) / 36, same.error), abs=1e-9)
    assert (good.low, good.high) == pytest.approx((same.low, same.high), abs=1e-9)
    assert good.counts == tuple(values.count(point) for point in (1, 2, 3, 4))
    [apart] = found.differences
    assert (apart.first, apart.second, apart.items) == (GOOD, PLAIN, 12)
    assert apart.value == pytest.approx(plain.mean - good.mean, abs=1e-9)
    assert found.alpha.scale == "ordinal"
    assert found.left.value is None


def test_no_answers_are_no_results_and_no_error(tmp_path: Path) -> None:
    for kind in ("pairs", "ratings"):
        (tmp_path / kind).mkdir()
        folder = made_study(tmp_path / kind, 3, kind=kind)
        found = results(read(folder))
        assert (found.answers, found.excluded) == (0, ())
        assert found.notes == ("There are no answers that count yet.",)
        assert [one.pairs for one in found.criteria] == [()] * 7


def test_a_few_answers_are_enough_to_look_at(tmp_path: Path) -> None:
    folder = made_study(tmp_path, 1, checks=0, criteria=("overall",))
    answer_all(folder, "ana", likes("a", 1.0))
    found = results(read(folder))
    [pair] = found.criteria[0].pairs
    assert pair.wins + pair.ties + pair.losses == 1
    assert "The study has no attention checks, so nobody could be excluded." in found.notes
    assert attention(read(folder))["ana"].excluded is False
