"""What became of a run, as a page in Markdown for the person who looks at it."""
