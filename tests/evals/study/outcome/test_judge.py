import pytest

from skillofmind.evals.study.outcome.judge import judge_agreement, majority
from skillofmind.scorers.agreement import cohen_kappa, krippendorff_alpha

PEOPLE = {"1": ["a", "a", "b"], "2": ["b", "b", "b"], "3": ["a", "b"], "4": ["a"], "5": []}
JUDGE = {"1": "a", "2": "b", "3": "a", "4": "b", "5": "a", "6": "b"}


def test_by_hand() -> None:
    found = judge_agreement(PEOPLE, JUDGE)
    assert (found.cases, found.no_majority) == (4, 1)
    assert (found.same_as_majority.right, found.same_as_majority.decided) == (2, 3)
    # 2/3, 3/3, 1/2 and 0/1 of the people say what the judge says.
    assert found.same_as_people == pytest.approx((2 / 3 + 1 + 1 / 2 + 0) / 4, abs=1e-12)
    # Of the pairs of people 1 of 3, 3 of 3 and 0 of 1 say the same.
    assert found.people_same == pytest.approx((1 / 3 + 1 + 0) / 3, abs=1e-12)


def test_it_is_what_the_agreement_module_says() -> None:
    found = judge_agreement(PEOPLE, JUDGE)
    assert found.kappa == cohen_kappa(["a", "b", "a"], ["a", "b", "b"])
    given = [PEOPLE[case] for case in "1234"]
    assert found.alpha == krippendorff_alpha(given)
    assert found.alpha_with_judge == krippendorff_alpha(
        [[*votes, JUDGE[case]] for case, votes in zip("1234", given, strict=True)]
    )


def test_nothing_in_common_is_no_agreement_and_no_disagreement() -> None:
    found = judge_agreement({"1": ["a"]}, {"2": "a"})
    assert (found.cases, found.same_as_people, found.kappa.value, found.same_as_majority.value) == (
        0, None, None, None,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("given", "most"), [(["a"], "a"), (["a", "b"], None), (["a", "b", "a"], "a"), (["a", "b", "c"], None)]
)
def test_a_majority_has_more_votes_than_every_other(given: list[str], most: str | None) -> None:
    assert majority(given) == most
