"""What leaves the monitor as a file: one format per module."""
