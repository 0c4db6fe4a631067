"""The report as one HTML file that needs nothing else: view data, inline SVG, a template and its style sheet."""
