"""Training: one loop for supervised and preference learning, on one process or several; needs torch."""
