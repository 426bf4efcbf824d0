"""Pages and reports for people, made of what a run or a release has."""
