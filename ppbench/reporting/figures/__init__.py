"""The figures of a report, drawn with matplotlib: one module each; for the page and for files alike."""
