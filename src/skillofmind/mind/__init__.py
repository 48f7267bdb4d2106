"""The flagship: taxonomy, label normaliser, prompts, parser, planners, injection into an agent."""
