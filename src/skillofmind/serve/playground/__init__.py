"""The playground: a page on which a person talks with the agent and sees its plans."""
