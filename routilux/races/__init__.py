"""Looking for races: an observer at the seam of the engine, and what is built on it."""
