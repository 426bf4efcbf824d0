"""Language: which language a file is written in, by which method, and whether it is generated or vendored."""
