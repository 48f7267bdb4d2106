"""From texts to a study: questions, tasks, attention checks, shares, orders and sides."""
