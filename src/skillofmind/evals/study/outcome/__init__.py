"""From answers to numbers: votes, attention, win rates, ratings, agreement, export, and a page."""
