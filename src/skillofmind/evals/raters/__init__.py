"""Raters: small models that give a reply a level or a class, trained on the user's own corpora.

    corpus --examples--> texts with labels --grams, linear--> Rater --rated--> level or class of any reply
                                 |
                                 +--quality--> accuracy and macro-F1 on dialogues that it was not trained on

They are trained in seconds, kept in the user's cache folder, and never shipped: some of the corpora may not
be passed on. What a rater says is worth what its quality says, so the quality goes with every result.
"""
