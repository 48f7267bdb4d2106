"""Evaluation of planners and of the replies that they shape: tasks, runner, statistics, audits, reports."""
