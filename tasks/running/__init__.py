"""How flows run: the command line, runs, their steps, and the site they work at."""
