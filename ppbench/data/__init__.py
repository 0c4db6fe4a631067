"""Clean image sets and published -C sets, as one type."""
