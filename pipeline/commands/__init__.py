"""The commands by topic: each parses, loads, calls, saves and ends with the exit code of the design."""
