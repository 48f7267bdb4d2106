"""Coverage-guided fuzzing; run by hand with `make fuzz`, not by pytest."""
