"""The sessions: a flow module runs in a child process and its state is pulled from here."""
