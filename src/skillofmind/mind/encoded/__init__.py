"""The encoder planner: the embedded planner and a head on sentence vectors, their scores added."""
