"""The source `parquet`: datasets of source code that somebody holds already, read to be filtered again."""
