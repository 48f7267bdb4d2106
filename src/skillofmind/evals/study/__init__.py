"""Studies with people: which of two replies is better, or how good one is, blinded and with checks.

    material -> new_study -> Study, tasks -> each rater's sheet -> answers.jsonl -> results

A *study* has *tasks*; a task shows one rater two texts (`pairs`) or one (`ratings`) and asks every criterion.
"""
