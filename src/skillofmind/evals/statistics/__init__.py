"""Intervals, tests, effect sizes and power, on arrays; nothing here knows what is evaluated.

| module | what it answers |
| --- | --- |
| `intervals` | how exact is this number: Wilson, Clopper-Pearson, bootstrap by group |
| `tests` | is this difference more than chance: permutation, McNemar, sign, bootstrap, proportions |
| `clusters` | the same for means of cases that come in dialogues, with robust errors |
| `multiple` | several tests at once: Holm, Benjamini-Hochberg |
| `effects` | how large is it: Cohen's d and h, Hedges' g, Cliff's delta, odds ratio, divergence, Spearman |
| `power` | how many items does a study need, and what can it see |
| `pairwise` | which of several systems is stronger: win rates, Bradley-Terry with ties |
| `scaling` | how the error falls with more data |
| `resampling`, `grouping`, `distributions` | what the others are made of |

Whether they hold what they say is simulated in `benchmarks/statistics_check.py`.
"""
