"""Intervals, tests, effect sizes and power, on arrays; nothing here knows what is evaluated."""
