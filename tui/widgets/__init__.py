"""One pane per file; a pane reads the model and nothing else."""
