"""Pure view state: snapshots go in, what panes show comes out. No Textual here."""
