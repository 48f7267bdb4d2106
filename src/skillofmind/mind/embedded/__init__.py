"""The embedded planner: cue lexicon, features, linear model, fitting, evidence and explanation."""
