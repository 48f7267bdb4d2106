"""How well an agent answers, alone and with a plan at hand: the same items in arms, each with one plan.

    tasks (last turn of a dialogue) --arms--> items --answering--> replies --panel, text--> numbers
                                                                      |
                                                                      +--judging--> votes of judge models

Arms differ in what of the plan the agent is shown, and in nothing else: one plan for all arms of an item, the
same conversation, sampling and budget.
"""
