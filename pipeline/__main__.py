"""`python -m pipeline` is `permastack`."""

from pipeline.cli import main

main()
