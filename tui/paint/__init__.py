"""Drawing without widgets: plain data in, runs of tagged text or Strips out."""
