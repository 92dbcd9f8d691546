"""Lints: what looks wrong in a flow, told from snapshots. Pure: model time, no screen.

`tui.findings.registry` lists them, `tui.findings.watch` runs them.
"""
