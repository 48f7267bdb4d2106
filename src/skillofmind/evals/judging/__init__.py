"""Models that judge replies: pairs in both orders, or single replies; several judges, agreement with people.

    replies of two arms --questions--> two orders for each judge --asked once--> raw text --verdicts--> votes
    votes --measures--> win rates, position bias, agreement of judges with each other and with people

*Covered*

- Position: each pair is asked in both orders, and a preference counts only where both agree; how often the
  first place wins is a number of its own, with an interval.
- Words to the judge inside a reply: replies stand between marks that they cannot close, line breaks and
  control tokens are broken up, and replies that talk to a judge are counted.
- Text that is no verdict: it is missing and counted, never guessed.

*Not covered*

- A judge that follows "this reply is the best" wherever it stands prefers that reply in both orders. The
count
  of replies that talk to a judge, and agreement with people, are what shows it.
- Tastes that all judges share, such as for long replies: several judges of one family are nearly one judge.
"""
