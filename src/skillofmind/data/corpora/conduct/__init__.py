"""Whether what is said keeps to a norm, or is safe."""
