"""What a recorded value is, how an op is stated and applied, and the one sweep. NumPy only."""
