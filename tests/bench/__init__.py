"""`make bench`: time and memory of the main job beside curl's for the same queries, in one run, as ratios."""
