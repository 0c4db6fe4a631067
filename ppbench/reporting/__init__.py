"""Scores as people read them: terminal, Markdown, files."""
