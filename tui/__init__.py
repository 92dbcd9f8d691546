"""The terminal monitor of routilux."""
