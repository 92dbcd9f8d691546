"""The filter language: one for the rows of every pane. See ``docs/monitor.md``."""
