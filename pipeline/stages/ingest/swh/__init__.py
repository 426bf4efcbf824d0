"""The source `swh`: Software Heritage's graph export and its contents."""
